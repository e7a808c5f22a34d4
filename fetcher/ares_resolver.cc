#include "fetcher/ares_resolver.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <ares.h>
#include <sys/epoll.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "common/status.h"
#include "common/units.h"
#include "fetcher/fixed_hosts.h"
#include "fetcher/resolver_cache.h"

namespace weft {
namespace {

// c-ares looks for queries to send again. Its own ares_timeout walks over all of them, so a fixed beat is cheaper.
constexpr absl::Duration kBeat = absl::Milliseconds(50);
constexpr int kTries = 3;

using Answer = ResolverCache::Answer;

bool IsLocalhost(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host == "localhost" || host.ends_with(".localhost");
}

std::vector<IpAddress> LoopbackAddresses() {
  return {IpAddress::V4({127, 0, 0, 1}), IpAddress::V6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})};
}

// IPv4 first, in the order of the answer, without repeats (a hosts file may hold them).
std::vector<IpAddress> Addresses(const ares_addrinfo& info) {
  std::vector<IpAddress> addresses;
  for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
    const absl::StatusOr<IpAddress> address = IpAddress::FromSockaddr(node->ai_addr);
    if (!address.ok()) continue;
    if (std::find(addresses.begin(), addresses.end(), *address) == addresses.end()) addresses.push_back(*address);
  }
  std::stable_partition(addresses.begin(), addresses.end(), [](const IpAddress& a) { return a.is_v4(); });
  return addresses;
}

// The shortest TTL of the chain that led to the addresses.
absl::Duration TimeToLive(const ares_addrinfo& info) {
  absl::Duration ttl = absl::InfiniteDuration();
  for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
    ttl = std::min(ttl, absl::Seconds(node->ai_ttl));
  }
  for (const ares_addrinfo_cname* alias = info.cnames; alias != nullptr; alias = alias->next) {
    ttl = std::min(ttl, absl::Seconds(alias->ttl));
  }
  return ttl;
}

absl::Status Failure(int status, const std::string& host) {
  switch (status) {
    case ARES_ENOTFOUND: return NotFound("no such host: {}", host);
    case ARES_ENODATA: return NotFound("host has no address: {}", host);
    case ARES_EBADNAME: return NotFound("not a host name: {}", host);
    case ARES_ESERVFAIL: return Unavailable("name server failed for {}", host);
    case ARES_EREFUSED: return Unavailable("name server refused to answer for {}", host);
    case ARES_ECONNREFUSED: return Unavailable("no name server can be reached for {}", host);
    case ARES_ETIMEOUT: return Unavailable("name servers do not answer for {}", host);
    default: return Unavailable("look-up of {} failed: {}", host, ares_strerror(status));
  }
}

class AresResolver : public Resolver {
 public:
  AresResolver(EventLoop& loop, const Clock& clock, const AresResolverOptions& options, FixedHosts fixed)
      : loop_(loop), clock_(clock), options_(options), fixed_(std::move(fixed)), cache_(options.cache_entries) {}
  ~AresResolver() override;

  absl::Status Open();
  void Resolve(const std::string& host, uint16_t port, Callback callback) override;

 private:
  // One name on its way, for all who asked.
  struct Lookup {
    std::vector<Callback> callbacks;
    uint64_t timer = 0;
  };
  // Handed to c-ares, which gives it back exactly once.
  struct Query {
    AresResolver* resolver;
    std::string host;
  };
  struct Finished {
    std::string host;
    Answer answer;
    absl::Duration ttl;
  };

  static void OnSocketState(void* self, ares_socket_t fd, int readable, int writable);
  static void OnAnswer(void* query, int status, int timeouts, ares_addrinfo* info);

  void Ask(const std::string& host);
  void AskWaiting();
  void OnTimeout(const std::string& host);
  void OnBeat();
  void ArmBeat();
  void Process(ares_socket_t readable, ares_socket_t writable);
  // Callbacks run here, outside c-ares, and may ask anew.
  void Deliver();
  void Finish(const std::string& host, const Answer& answer);

  EventLoop& loop_;
  const Clock& clock_;
  const AresResolverOptions options_;
  const FixedHosts fixed_;
  ResolverCache cache_;
  bool library_open_ = false;
  ares_channel channel_ = nullptr;
  bool closing_ = false;
  bool delivering_ = false;
  uint64_t beat_ = 0;
  size_t asked_ = 0;  // queries that c-ares holds
  absl::flat_hash_map<std::string, Lookup> lookups_;
  std::deque<std::string> waiting_;
  std::deque<Finished> finished_;
  absl::flat_hash_set<ares_socket_t> watched_;
};

absl::Status AresResolver::Open() {
  const int library = ares_library_init(ARES_LIB_INIT_ALL);
  if (library != ARES_SUCCESS) return Internal("c-ares: {}", ares_strerror(library));
  library_open_ = true;
  ares_options settings{};
  settings.sock_state_cb = &OnSocketState;
  settings.sock_state_cb_data = this;
  // Each further round waits twice as long: 1 + 2 + 4 parts fill the time of a look-up with one server.
  settings.timeout = std::max(1, static_cast<int>(absl::ToInt64Milliseconds(options_.timeout / 7)));
  settings.tries = kTries;
  char lookups[] = "fb";  // the hosts file, then name servers
  settings.lookups = lookups;
  settings.ndomains = 0;
  const int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS;
  const int status = ares_init_options(&channel_, &settings, mask);
  if (status != ARES_SUCCESS) return Internal("c-ares: {}", ares_strerror(status));
  if (options_.servers.empty()) return absl::OkStatus();
  const int servers = ares_set_servers_ports_csv(channel_, options_.servers.c_str());
  if (servers != ARES_SUCCESS) return InvalidArgument("name servers \"{}\": {}", options_.servers, ares_strerror(servers));
  return absl::OkStatus();
}

AresResolver::~AresResolver() {
  closing_ = true;
  if (channel_ != nullptr) ares_destroy(channel_);  // answers every query with ARES_EDESTRUCTION
  for (const ares_socket_t fd : watched_) loop_.Unwatch(fd);
  for (const auto& [host, lookup] : lookups_) loop_.CancelTimer(lookup.timer);
  loop_.CancelTimer(beat_);
  if (library_open_) ares_library_cleanup();
}

void AresResolver::Resolve(const std::string& host, uint16_t port, Callback callback) {
  const absl::StatusOr<IpAddress> literal = IpAddress::Parse(host);
  if (const std::vector<IpAddress>* fixed = fixed_.Find(host, port, literal.ok())) return callback(*fixed);
  if (literal.ok()) return callback(std::vector<IpAddress>{*literal});
  if (IsLocalhost(host)) return callback(LoopbackAddresses());
  if (const Answer* known = cache_.Find(host, clock_.SteadyNow())) {
    const Answer answer = *known;  // the callback may change the cache
    return callback(answer);
  }
  Lookup& lookup = lookups_[host];
  lookup.callbacks.push_back(std::move(callback));
  if (lookup.callbacks.size() > 1) return;
  waiting_.push_back(host);
  AskWaiting();
  Deliver();  // the hosts file answers at once
}

void AresResolver::AskWaiting() {
  while (!waiting_.empty() && asked_ < options_.in_flight) {
    const std::string host = std::move(waiting_.front());
    waiting_.pop_front();
    Ask(host);
  }
}

void AresResolver::Ask(const std::string& host) {
  lookups_[host].timer = loop_.At(clock_.SteadyNow() + options_.timeout, [this, host] { OnTimeout(host); });
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_flags = ARES_AI_NOSORT;  // sorting connects a socket to every address
  ++asked_;
  ArmBeat();
  ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &OnAnswer, new Query{this, host});
}

void AresResolver::OnAnswer(void* query_pointer, int status, int, ares_addrinfo* info) {
  const std::unique_ptr<Query> query(static_cast<Query*>(query_pointer));
  const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owned(info, &ares_freeaddrinfo);
  AresResolver* resolver = query->resolver;
  if (resolver->closing_) return;
  --resolver->asked_;
  const AresResolverOptions& options = resolver->options_;
  Finished finished{query->host, Failure(ARES_ENODATA, query->host), options.negative_ttl};
  if (status != ARES_SUCCESS) {
    finished.answer = Failure(status, query->host);
  } else if (std::vector<IpAddress> addresses = Addresses(*info); !addresses.empty()) {
    finished.answer = std::move(addresses);
    finished.ttl = std::clamp(TimeToLive(*info), options.min_ttl, options.max_ttl);
  }
  resolver->finished_.push_back(std::move(finished));
}

void AresResolver::Deliver() {
  if (delivering_) return;
  delivering_ = true;
  while (!finished_.empty()) {
    const Finished finished = std::move(finished_.front());
    finished_.pop_front();
    cache_.Store(finished.host, finished.answer, clock_.SteadyNow() + finished.ttl);
    Finish(finished.host, finished.answer);
    AskWaiting();
  }
  delivering_ = false;
}

void AresResolver::Finish(const std::string& host, const Answer& answer) {
  const auto found = lookups_.find(host);
  if (found == lookups_.end()) return;  // its time was up
  Lookup lookup = std::move(found->second);
  lookups_.erase(found);
  loop_.CancelTimer(lookup.timer);
  for (Callback& callback : lookup.callbacks) callback(answer);
}

// c-ares goes on asking for a while; what comes then is kept for the next who asks.
void AresResolver::OnTimeout(const std::string& host) {
  const std::string name = host;  // `host` lives in the timer that Finish cancels
  const absl::Status status =
      Unavailable("no answer from the name servers for {} within {}", name, weft::FormatDuration(options_.timeout));
  cache_.Store(name, status, clock_.SteadyNow() + options_.negative_ttl);
  Finish(name, status);
}

void AresResolver::OnSocketState(void* self, ares_socket_t fd, int readable, int writable) {
  auto* resolver = static_cast<AresResolver*>(self);
  if (!readable && !writable) {
    if (resolver->watched_.erase(fd) > 0) resolver->loop_.Unwatch(fd);
    return;
  }
  const uint32_t events = (readable ? uint32_t{EPOLLIN} : 0) | (writable ? uint32_t{EPOLLOUT} : 0);
  resolver->watched_.insert(fd);
  resolver->loop_.Watch(fd, events, [resolver, fd](uint32_t ready) {
    const bool in = ready & (EPOLLIN | EPOLLERR | EPOLLHUP);
    const bool out = ready & (EPOLLOUT | EPOLLERR);
    resolver->Process(in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
  });
}

void AresResolver::Process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel_, readable, writable);
  Deliver();
}

void AresResolver::ArmBeat() {
  if (beat_ == 0 && asked_ > 0) beat_ = loop_.At(clock_.SteadyNow() + kBeat, [this] { OnBeat(); });
}

void AresResolver::OnBeat() {
  beat_ = 0;
  Process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  ArmBeat();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Resolver>> NewAresResolver(EventLoop& loop, const Clock& clock,
                                                          const AresResolverOptions& options) {
  WEFT_ASSIGN_OR_RETURN(FixedHosts fixed, FixedHosts::Parse(options.fixed));
  auto resolver = std::make_unique<AresResolver>(loop, clock, options, std::move(fixed));
  WEFT_RETURN_IF_ERROR(resolver->Open());
  return resolver;
}

}  // namespace weft
