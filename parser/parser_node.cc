#include "parser/parser_node.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "common/http_message.h"
#include "common/key_rules.h"
#include "common/session_link.h"
#include "common/status.h"
#include "parser/html_sniff.h"
#include "parser/link_cache.h"
#include "parser/page_intake.h"

namespace weft {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(200);
constexpr absl::Duration kFarewell = absl::Seconds(2);
constexpr absl::Duration kBusyTurn = absl::Milliseconds(20);
constexpr int kLinksPerMessage = 2000;
constexpr uint32_t kMaxCrashes = 3;

std::string TicketId(const std::string& key, uint32_t generation, uint32_t attempt) {
  return fmt::format("{}/{}/{}", key, generation, attempt);
}

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

struct ParserNode::Impl {
  Impl(const ParserOptions& o, ParserParts& p, uint64_t dir, const Clock& c, Random& r, Bus& b, WorkPool& pool)
      : options(o), parts(p), pages_dir_id(dir), clock(c), random(r), bus(b), sync_pool(pool), node_id(r.NextId()),
        intake(b, c, r.NextId(), o.credit_items, o.credit_bytes), cache(o.link_cache_entries) {}

  // A page from its arrival to its acknowledgement.
  struct Work {
    ArrivedPage arrived;            // without its chunks once stored
    uint64_t bytes = 0;
    bool robots = false;
    wire::PageResult result;
    std::vector<wire::LinkBatch> batches;   // links beyond one message
    std::vector<Fingerprint> keys;  // of the links that are sent
    bool cacheable = false;
    std::vector<std::pair<ArrivedPage, uint64_t>> twins;  // sent again meanwhile; released with the same answer
  };

  void Connect();
  void BeginSession();
  void OnScheduler(Message& message);
  void OnRegistered(const wire::Registered& registered);
  void OnEndedAck(const wire::EndedAck& ack);
  void Beat();
  void ToScheduler(wire::Frame frame) { link->Send({std::move(frame), nullptr}); }

  void ProcessSome();
  void Process(ArrivedPage arrived);
  absl::Status Store(Work& work, const HttpHead& head, std::string_view wire_body, const PayloadView& payload);
  void Parse(Work& work, const HttpHead& head, const PayloadView& payload);
  void AddLinks(Work& work, const std::vector<ExtractedLink>& links);
  void TakeRedirect(Work& work, const HttpHead& head);
  void FillLink(const Url& url, LinkKind kind, const Fingerprint& key, wire::Link* out) const;
  void SyncIfNeeded();
  void OnSynced(const absl::Status& status);
  void Report(const Work& work);
  bool HandedIn() const { return intake.empty() && unsynced.empty() && syncing.empty() && reported.empty(); }

  ParserOptions options;
  ParserParts& parts;
  uint64_t pages_dir_id;
  const Clock& clock;
  Random& random;
  Bus& bus;
  WorkPool& sync_pool;
  uint64_t node_id;

  PeerId scheduler;
  std::unique_ptr<SessionLink> link;
  bool registered = false;
  std::string refused;
  wire::Registered terms;
  KeyOptions keys;
  Fingerprinter fingerprinter{0};
  uint64_t highest_commit = 0;
  uint64_t nonce = 0;
  absl::Time last_beat = absl::InfinitePast();

  // Shared with a sync that may still run on its pool's thread when this node is gone.
  std::shared_ptr<PageStore> store;
  std::unique_ptr<LinkExtractor> extractor;
  PageIntake intake;
  LinkCache cache;

  std::vector<Work> unsynced;
  std::vector<Work> syncing;
  std::map<std::string, Work> reported;    // by ticket
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);  // a sync's callback may come after this object

  bool draining = false;
  bool said_goodbye = false;
  bool stopped = false;
  absl::Time drain_deadline = absl::InfiniteFuture();
  Counters counts;
};

ParserNode::ParserNode(const ParserOptions& options, ParserParts& parts, uint64_t pages_dir_id, const Clock& clock,
                       Random& random, Bus& bus, WorkPool& sync_pool)
    : impl_(std::make_unique<Impl>(options, parts, pages_dir_id, clock, random, bus, sync_pool)) {}

ParserNode::~ParserNode() { *impl_->alive = false; }

// ---- the scheduler ----

void ParserNode::Impl::Connect() {
  auto peer = bus.Connect(options.scheduler_endpoint);
  if (!peer.ok()) {
    refused = ErrorText(peer.status());
    stopped = true;
    return;
  }
  scheduler = *peer;
  BeginSession();
}

void ParserNode::Impl::BeginSession() {
  link = std::make_unique<SessionLink>(&bus, scheduler, random.NextId());
  registered = false;
  nonce = 0;
  last_beat = absl::InfinitePast();
  wire::Frame frame;
  wire::Register* info = frame.mutable_register_();
  info->set_name(options.name);
  info->set_node_id(node_id);
  info->set_parses(true);
  info->set_machine(options.machine);
  info->set_pages_endpoint(options.pages_endpoint);
  info->set_pages_dir_id(pages_dir_id);
  info->set_pages_path(options.pages_path);
  info->set_lineage(terms.identity().lineage());
  info->set_highest_commit(highest_commit);
  info->set_canonicaliser_version(kCanonicaliserVersion);
  info->set_public_suffix_version(options.public_suffix_version);
  ToScheduler(std::move(frame));
  // Handed in again: the scheduler may have died before it recorded them.
  for (const auto& [id, work] : reported) Report(work);
}

void ParserNode::Impl::Beat() {
  last_beat = clock.SteadyNow();
  wire::Frame frame;
  wire::Heartbeat* beat = frame.mutable_heartbeat();
  beat->set_sent_steady_us(absl::ToUnixMicros(last_beat));
  beat->set_nonce_echo(nonce);
  beat->set_draining(draining);
  link->SendUnsequenced({std::move(frame), nullptr});
}

void ParserNode::Impl::OnRegistered(const wire::Registered& given) {
  bool first = terms.identity().lineage() == 0;
  if (!first && given.identity().lineage() != terms.identity().lineage()) {
    refused = "the scheduler runs another crawl now";
    stopped = true;
    return;
  }
  terms = given;
  keys = KeyOptionsOf(terms.identity().keys());
  fingerprinter = Fingerprinter(terms.identity().fingerprint_seed());
  cache.Use(terms.identity().lineage(), terms.settings().scope_version());
  intake.set_credit_bytes(std::max<uint64_t>(options.credit_bytes, terms.settings().max_body_bytes() + (1 << 20)));
  if (store == nullptr) {
    auto made = parts.MakeStore(terms.settings());
    if (!made.ok()) {
      refused = ErrorText(made.status());
      stopped = true;
      return;
    }
    store = *std::move(made);
    extractor = parts.MakeExtractor(terms.settings());
  }
  registered = true;
  Beat();
}

void ParserNode::Impl::OnEndedAck(const wire::EndedAck& ack) {
  highest_commit = std::max(highest_commit, ack.commit());
  for (const wire::EndedAck::One& one : ack.ended()) {
    auto it = reported.find(TicketId(one.key(), one.generation(), one.attempt()));
    if (it == reported.end()) continue;
    // Only links acknowledged as recorded are known (rule 3).
    if (it->second.cacheable) cache.Add(it->second.keys);
    intake.Acknowledge(it->second.arrived, it->second.bytes);
    for (auto& [twin, bytes] : it->second.twins) intake.Acknowledge(twin, bytes);
    reported.erase(it);
  }
}

void ParserNode::Impl::OnScheduler(Message& message) {
  if (message.frame.body_case() == wire::Frame::kSessionUnknown) {
    if (message.frame.peer_session() == link->my_session()) BeginSession();
    return;
  }
  // To an earlier session of ours, and late: to begin anew for each of those would bring on as many more.
  uint64_t addressee = message.frame.peer_session();
  if (addressee != 0 && addressee != link->my_session()) return;
  uint64_t session_before = link->peer_session();
  SessionLink::Received received = link->Receive(std::move(message));
  if (received.peer_lost_us || (received.new_session && session_before != 0)) return BeginSession();
  for (Message& delivered : received.deliver) {
    const wire::Frame& frame = delivered.frame;
    switch (frame.body_case()) {
      case wire::Frame::kRegistered:
        OnRegistered(frame.registered());
        break;
      case wire::Frame::kRegisterRefused:
        refused = frame.register_refused().reason();
        stopped = true;
        break;
      case wire::Frame::kHeartbeatReply:
        nonce = frame.heartbeat_reply().nonce();
        break;
      case wire::Frame::kEndedAck:
        OnEndedAck(frame.ended_ack());
        break;
      case wire::Frame::kDrain:
        if (!draining) {
          draining = true;
          intake.StopCredit();
          drain_deadline = clock.SteadyNow() + absl::Microseconds(frame.drain().deadline_us());
        }
        break;
      default:
        break;
    }
    if (stopped) return;
  }
}

// ---- pages ----

void ParserNode::Impl::FillLink(const Url& url, LinkKind kind, const Fingerprint& key, wire::Link* out) const {
  out->set_key(key.ToBytes());
  out->set_url(url.request_target_url());
  out->set_kind(static_cast<uint32_t>(kind));
}

void ParserNode::Impl::AddLinks(Work& work, const std::vector<ExtractedLink>& links) {
  absl::flat_hash_set<Fingerprint> seen;
  counts.links += links.size();
  work.result.set_links_seen(static_cast<uint32_t>(links.size()));
  // With a depth limit a link's answer depends on who names it: nothing is suppressed then (rule 36).
  work.cacheable = !terms.settings().has_max_depth();
  for (const ExtractedLink& found : links) {
    Fingerprint key = fingerprinter.Of(CrawlKey(found.url, keys));
    if (!seen.insert(key).second) continue;
    if (work.cacheable && cache.Contains(key)) {
      ++counts.links_suppressed;
      continue;
    }
    work.keys.push_back(key);
    if (work.result.links_size() == kLinksPerMessage) {
      wire::LinkBatch& batch = work.batches.emplace_back();
      *batch.mutable_ticket() = work.result.ticket();
      batch.mutable_ticket()->clear_url();
      batch.mutable_links()->Swap(work.result.mutable_links());
    }
    FillLink(found.url, found.kind, key, work.result.add_links());
  }
}

void ParserNode::Impl::TakeRedirect(Work& work, const HttpHead& head) {
  if (!IsRedirect(head.status()) || !head.Has("Location")) return;
  auto base = Url::Parse(work.result.ticket().url());
  if (!base.ok()) return;
  auto target = Url::Parse(head.Get("Location"), *base);
  if (!target.ok() || !target->is_http()) return;
  FillLink(*target, LinkKind::kRedirect, fingerprinter.Of(CrawlKey(*target, keys)), work.result.mutable_redirect());
}

void ParserNode::Impl::Parse(Work& work, const HttpHead& head, const PayloadView& payload) {
  std::string_view content_type = head.Get("Content-Type");
  work.result.set_mime(MimeEssence(content_type));
  TakeRedirect(work, head);
  bool ok = head.status() >= 200 && head.status() < 300;
  if (!ok || work.arrived.page.store_only() || payload.payload.empty()) return;
  Decoded decoded = DecodeContent(head, payload.payload);
  if (!decoded.problem.empty()) work.result.set_note(decoded.problem);
  if (!IsHtml(work.result.mime(), decoded.body)) return;
  auto url = Url::Parse(work.result.ticket().url());
  if (!url.ok()) return;
  LinkExtractor::Input input;
  input.html = decoded.body;
  input.url = &*url;
  input.content_type = content_type;
  parts.NameCurrentPage(work.result.ticket().key());
  ExtractedPage page = extractor->Extract(input);
  parts.NameCurrentPage("");
  if (page.linear_scan) work.result.set_note("linear-scan");
  if (page.links_cut) work.result.set_note("links-cut");
  AddLinks(work, page.links);
}

absl::Status ParserNode::Impl::Store(Work& work, const HttpHead& head, std::string_view wire_body,
                                     const PayloadView& payload) {
  const wire::Page& page = work.arrived.page;
  Exchange exchange;
  exchange.url = page.ticket().url();
  exchange.request_head = page.request_head();
  exchange.response_head = page.response_head();
  exchange.wire_body = wire_body;
  exchange.payload = payload.payload;
  exchange.ip = page.ip();
  exchange.began = absl::FromUnixMicros(page.wall_us());
  exchange.truncated = page.truncated();
  WEFT_ASSIGN_OR_RETURN(StoredExchange stored, store->Append(exchange));
  wire::PageResult& result = work.result;
  *result.mutable_epoch() = page.epoch();
  *result.mutable_ticket() = page.ticket();
  result.set_status(static_cast<uint32_t>(head.status()));
  result.mutable_place()->set_pages_dir_id(stored.place.pages_dir_id);
  result.mutable_place()->set_file(stored.place.file);
  result.mutable_place()->set_offset(stored.place.offset);
  result.mutable_place()->set_length(stored.place.length);
  result.mutable_place()->set_record_digest(stored.place.record_digest);
  result.set_payload_digest(stored.payload_digest);
  result.set_payload_bytes(payload.payload.size());
  result.set_truncated(!page.truncated().empty());
  result.set_wall_us(page.wall_us());
  result.set_took_us(page.took_us());
  result.set_outcome(static_cast<uint32_t>(Outcome::kResponse));
  return absl::OkStatus();
}

void ParserNode::Impl::Process(ArrivedPage arrived) {
  Work work;
  work.bytes = BodyBytes(arrived);
  work.robots = arrived.page.robots();
  std::string joined;
  std::string_view body;
  if (arrived.chunks.size() == 1) {
    body = *arrived.chunks[0];
  } else {
    joined.reserve(work.bytes);
    for (const Payload& chunk : arrived.chunks) joined += *chunk;
    body = joined;
  }
  work.arrived = std::move(arrived);
  const std::string& key = work.arrived.page.ticket().key();
  bool poison = !work.robots && parts.CrashesOn(key) >= kMaxCrashes;
  if (poison) work.arrived.page.set_store_only(true);
  std::string head_bytes = work.arrived.page.response_head();
  auto head = HttpHead::ParseResponse(head_bytes);
  if (!head.ok()) head = HttpHead();  // stored as it came; nothing can be read from it
  PayloadView payload;
  ExtractPayload(*head, body, payload);
  absl::Status stored = Store(work, *head, body, payload);
  if (!stored.ok()) {
    intake.Refuse(work.arrived, ErrorText(stored));
    return;
  }
  ++counts.pages;
  counts.bytes += work.bytes;
  if (poison) {
    work.result.set_outcome(static_cast<uint32_t>(Outcome::kParserCrash));
  } else if (!work.robots) {
    Parse(work, *head, payload);
  }
  work.arrived.chunks.clear();
  unsynced.push_back(std::move(work));
}

void ParserNode::Impl::ProcessSome() {
  absl::Time begun = clock.SteadyNow();
  ArrivedPage arrived;
  while (store != nullptr && intake.Take(arrived)) {
    Process(std::move(arrived));
    SyncIfNeeded();
    if (clock.SteadyNow() - begun > kBusyTurn) return;
  }
}

void ParserNode::Impl::SyncIfNeeded() {
  if (unsynced.empty() || !syncing.empty()) return;
  auto result = std::make_shared<absl::Status>();  // written on the pool's thread, read when it is done
  bool taken = sync_pool.Submit([result, held = store] { *result = held->Sync(); },
                                [this, result, living = alive] {
                                  if (*living) OnSynced(*result);
                                });
  if (!taken) return;  // the queue is full: tried again at the next tick
  syncing = std::move(unsynced);
  unsynced.clear();
}

void ParserNode::Impl::OnSynced(const absl::Status& status) {
  std::vector<Work> works = std::move(syncing);
  syncing.clear();
  if (!status.ok()) {
    // What was appended meanwhile went to the same file and is lost with it; a later sync would not tell.
    works.insert(works.end(), std::make_move_iterator(unsynced.begin()), std::make_move_iterator(unsynced.end()));
    unsynced.clear();
  }
  for (Work& work : works) {
    if (!status.ok()) {
      intake.Refuse(work.arrived, ErrorText(status));
    } else if (work.robots) {
      intake.Acknowledge(work.arrived, work.bytes);
    } else {
      const wire::UrlTicket& ticket = work.result.ticket();
      std::string id = TicketId(ticket.key(), ticket.generation(), ticket.attempt());
      auto known = reported.find(id);
      if (known != reported.end()) {
        known->second.twins.emplace_back(std::move(work.arrived), work.bytes);
        continue;
      }
      Report(work);
      reported.emplace(std::move(id), std::move(work));
    }
  }
  SyncIfNeeded();
}

void ParserNode::Impl::Report(const Work& work) {
  for (const wire::LinkBatch& batch : work.batches) {
    wire::Frame frame;
    *frame.mutable_link_batch() = batch;
    ToScheduler(std::move(frame));
  }
  wire::Frame frame;
  *frame.mutable_page_result() = work.result;
  ToScheduler(std::move(frame));
}

// ---- Node ----

void ParserNode::Start() { impl_->Connect(); }

void ParserNode::OnMessage(const PeerId& from, Message message) {
  Impl& p = *impl_;
  if (p.stopped) return;
  if (from == p.scheduler) {
    p.OnScheduler(message);
  } else {
    p.intake.OnMessage(from, std::move(message));
  }
}

void ParserNode::OnTick() {
  Impl& p = *impl_;
  if (p.stopped) return;
  absl::Time now = p.clock.SteadyNow();
  absl::Duration heartbeat = p.registered ? absl::Microseconds(p.terms.heartbeat_us()) : absl::Milliseconds(500);
  absl::Duration dead_after = p.registered ? absl::Microseconds(p.terms.dead_after_us()) : absl::Seconds(10);
  if (now - p.last_beat >= heartbeat) p.Beat();
  p.ProcessSome();
  p.SyncIfNeeded();
  p.intake.OnTick(dead_after);
  if (!p.draining) return;
  if (now >= p.drain_deadline) {
    p.stopped = true;
  } else if (p.HandedIn() && !p.said_goodbye) {
    wire::Frame frame;
    frame.mutable_goodbye();
    p.ToScheduler(std::move(frame));
    p.said_goodbye = true;
    // The answer to a goodbye is a courtesy: the scheduler may be gone first.
    p.drain_deadline = std::min(p.drain_deadline, now + kFarewell);
  } else if (p.said_goodbye && p.link->unconfirmed() == 0) {
    p.stopped = true;
  }
}

absl::Time ParserNode::NextWake() const {
  const Impl& p = *impl_;
  if (p.stopped) return absl::InfiniteFuture();
  absl::Time now = p.clock.SteadyNow();
  return p.store != nullptr && !p.intake.empty() ? now : now + kTick;
}

void ParserNode::Drain(absl::Duration deadline) {
  Impl& p = *impl_;
  if (p.draining) return;
  p.draining = true;
  p.intake.StopCredit();
  p.drain_deadline = p.clock.SteadyNow() + deadline;
}

bool ParserNode::stopped() const { return impl_->stopped; }
const std::string& ParserNode::refused() const { return impl_->refused; }

ParserNode::Counters ParserNode::counters() const {
  Counters counts = impl_->counts;
  counts.waiting = impl_->intake.waiting();
  return counts;
}

}  // namespace weft
