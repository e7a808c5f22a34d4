#include "scheduler/address_permits.h"

#include <utility>

#include "scheduler/crawl_clock.h"
#include "scheduler/lease_desk.h"

namespace weft {

void AddressBook::Note(uint64_t host_id, std::string_view address, CrawlTime now) {
  auto [it, added] = entries_.try_emplace(host_id);
  it->second.address = std::string(address);
  it->second.noted = now;
  if (!added) return;
  order_.push_back(host_id);
  if (order_.size() <= most_) return;
  entries_.erase(order_.front());
  order_.pop_front();
}

std::string AddressBook::Fresh(uint64_t host_id, CrawlTime now) const {
  auto it = entries_.find(host_id);
  if (it == entries_.end() || now > it->second.noted + CrawlMicros(kAddressFresh)) return "";
  return it->second.address;
}

void AddressBook::Failed(uint64_t host_id) {
  auto it = entries_.find(host_id);
  if (it == entries_.end()) return;
  it->second.failed = std::exchange(it->second.address, {});
}

bool AddressBook::HasFailed(uint64_t host_id, std::string_view address) const {
  auto it = entries_.find(host_id);
  return it != entries_.end() && !address.empty() && it->second.failed == address;
}

// ---- LeaseDesk ----

// Whoever gets no place is not kept waiting: it gives the host back, and the host waits for the address by itself.
void LeaseDesk::OnAddressWanted(const PeerId& from, const wire::AddressPermitWanted& wanted) {
  if (wanted.epoch().incarnation() != db_.incarnation() || wanted.addresses().empty()) return;
  auto it = leases_.find(wanted.epoch().counter());
  if (wanted.permit_id() != 0) it = FindPermit(from, static_cast<uint64_t>(wanted.permit_id()));
  if (it == leases_.end() || it->second.node != from) return;
  Lease& lease = it->second;
  const CrawlTime now = crawl_clock_.Now();
  std::string chosen;
  for (const std::string& address : wanted.addresses()) {
    if (book_.HasFailed(lease.host_id, address) && wanted.addresses_size() > 1) continue;
    if (!ledger_.TakeAddress(address, lease.hold, now)) continue;
    chosen = address;
    break;
  }
  book_.Note(lease.host_id, chosen.empty() ? wanted.addresses(0) : chosen, now);
  wire::Frame frame;
  wire::AddressPermit* permit = frame.mutable_address_permit();
  *permit->mutable_epoch() = wanted.epoch();
  permit->set_permit_id(wanted.permit_id());
  permit->set_address(chosen);
  permit->set_connections(chosen.empty() ? 0 : lease.hold.connections);
  nodes_.Send(from, std::move(frame));
}

}  // namespace weft
