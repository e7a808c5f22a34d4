#include "tests/support/sim_link_check.h"

#include <fmt/format.h>

#include <algorithm>

namespace weft::test {
namespace {

std::string PlaceName(uint64_t directory, const std::string& file, uint64_t offset) {
  return fmt::format("{:x}/{}/{}", directory, file, offset);
}

}  // namespace

void LinkCheck::OnSent(const wire::Frame& frame) {
  const wire::UrlTicket& ticket = frame.has_link_batch() ? frame.link_batch().ticket() : frame.page_result().ticket();
  std::vector<Named>& named = batches_[{frame.session(), ticket.key(), ticket.generation(), ticket.attempt()}];
  auto add = [&named](const wire::Link& link) { named.push_back({Fingerprint::FromBytes(link.key()), link.url()}); };
  if (frame.has_link_batch()) {
    for (const wire::Link& link : frame.link_batch().links()) add(link);
    return;
  }
  const wire::PageResult& result = frame.page_result();
  for (const wire::Link& link : result.links()) add(link);
  if (result.has_redirect()) add(result.redirect());
  const wire::WarcPlace& place = result.place();
  reported_[PlaceName(place.pages_dir_id(), place.file(), place.offset())] = {ticket.url(), ticket.depth(),
                                                                              std::move(named)};
  named.clear();
  Depths& depths = depths_[ticket.url()];
  depths.least = std::min(depths.least, ticket.depth());
}

void LinkCheck::OnWritten(const UrlRecord& record) {
  if (record.state != UrlState::kDone) return;
  auto it = reported_.find(PlaceName(record.place.pages_dir_id, record.place.file, record.place.offset));
  if (it == reported_.end()) {
    violations_.Add("links", "{} is done with a page that no parser reported", record.url);
    return;
  }
  depths_[it->second.url].committed = it->second.depth;
  for (const Named& link : it->second.links) {
    if (recorded_(link.key) || counted_only_(link.url)) continue;
    violations_.Add("links", "{} is marked done before its link {} is recorded", record.url, link.url);
  }
}

}  // namespace weft::test
