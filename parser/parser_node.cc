#include "parser/parser_node.h"

#include <algorithm>
#include <utility>

#include "common/ascii.h"
#include "common/crawl_key.h"
#include "common/status.h"
#include "parser/parser_node_impl.h"

namespace weft {

ParserNode::ParserNode(const ParserOptions& options, ParserParts& parts, uint64_t pages_dir_id, const Clock& clock,
                       Random& random, Bus& bus, WorkPool& sync_pool)
    : impl_(std::make_unique<Impl>(options, parts, pages_dir_id, clock, random, bus, sync_pool)) {}

ParserNode::~ParserNode() { *impl_->alive = false; }

// ---- the scheduler ----

void ParserNode::Impl::Connect() {
  auto peer = bus.ConnectTo(options.scheduler_endpoint, options.scheduler_key);
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
  leave_asked = false;
  walk.reset();  // asked for again, where it is still wanted
  last_beat = absl::InfinitePast();
  wire::Frame frame;
  wire::Register* info = frame.mutable_register_();
  info->set_name(options.name);
  info->set_node_id(node_id);
  info->set_process(options.process);
  info->set_parses(true);
  info->set_machine(options.machine);
  info->set_worker(options.worker);
  info->set_software_version(options.version);
  info->set_pages_endpoint(options.pages_endpoint);
  info->set_pages_dir_id(pages_dir_id);
  info->set_pages_path(options.pages_path);
  info->set_lineage(acknowledged.lineage);
  info->set_highest_commit(acknowledged.commit);
  info->set_incarnation(acknowledged.incarnation);
  info->set_canonicaliser_version(kCanonicaliserVersion);
  info->set_public_suffix_version(options.public_suffix_version);
  for (const auto& [key, crashes] : parts.Blamed()) {
    if (info->blamed_size() == kMostBlamed) break;
    wire::BlamedPage* page = info->add_blamed();
    page->set_key(key);
    page->set_crashes(crashes);
  }
  ToScheduler(std::move(frame));
  // Handed in again: the scheduler may have died before it recorded them.
  for (const auto& [id, work] : reported) Report(work);
}

// How long the oldest page has waited that is not on record.
absl::Duration ParserNode::Impl::Lag() const {
  absl::Time oldest = intake.oldest();
  for (const ArrivedPage& page : suspects) oldest = std::min(oldest, page.arrived);
  for (const Work& work : unsynced) oldest = std::min(oldest, work.arrived.arrived);
  for (const Work& work : syncing) oldest = std::min(oldest, work.arrived.arrived);
  for (const auto& [id, work] : reported) oldest = std::min(oldest, work.arrived.arrived);
  return oldest == absl::InfiniteFuture() ? absl::ZeroDuration() : clock.SteadyNow() - oldest;
}

void ParserNode::Impl::Beat() {
  last_beat = clock.SteadyNow();
  wire::Frame frame;
  wire::Heartbeat* beat = frame.mutable_heartbeat();
  beat->set_sent_steady_us(absl::ToUnixMicros(last_beat));
  beat->set_nonce_echo(nonce);
  beat->set_draining(draining);
  beat->set_pages(handed_in);
  beat->set_held(intake.waiting() + suspects.size() + unsynced.size() + syncing.size() + reported.size());
  beat->set_lag_us(absl::ToInt64Microseconds(Lag()));
  if (options.store_status != nullptr) *beat->mutable_store() = options.store_status();
  const BusRefusals turned_away = bus.refusals();
  wire::Refusals* refusals = beat->mutable_refusals();
  refusals->set_handshakes(turned_away.handshakes);
  refusals->set_frames(turned_away.frames + intake.refused() + files.refused());
  refusals->set_malformed(turned_away.malformed);
  link->SendUnsequenced({std::move(frame), nullptr});
}

void ParserNode::Impl::OnRegistered(const wire::Registered& given) {
  bool first = terms.identity().lineage() == 0;
  if (!first && given.identity().lineage() != terms.identity().lineage()) {
    refused = "the scheduler runs another crawl now";
    stopped = true;
    return;
  }
  // An opening between this one and the last that this node knew may have lost writes too, and made up for them in number.
  bool adjoins = given.incarnation() == terms.incarnation() ||
                 (given.previous_incarnation() == terms.incarnation() && given.opened_commit() >= highest_commit);
  if (!first && !adjoins) {
    // Links that were acknowledged as recorded may be recorded no more (rule 13).
    cache.Clear();
    highest_commit = std::min(highest_commit, given.opened_commit());
  }
  terms = given;
  keys = KeyOptionsOf(terms.identity().keys());
  fingerprinter = Fingerprinter(terms.identity().fingerprint_seed());
  cache.Use(terms.identity().lineage(), terms.settings().scope_version());
  intake.set_credit_bytes(std::max<uint64_t>(options.credit_bytes, terms.settings().max_body_bytes() + (1 << 20)));
  if (store == nullptr) {
    auto made = parts.MakeStore(terms.identity(), terms.settings());
    if (!made.ok()) {
      refused = ErrorText(made.status());
      stopped = true;
      return;
    }
    store = *std::move(made);
  }
  // A scheduler that was started again may have other choices. Links of a kind that was not followed were never sent, and
  // so are in no cache.
  followed = FollowedKinds(terms.settings());
  robots_name = LowerAscii(terms.settings().robots_token());
  if (extractor == nullptr || extractor_name != terms.settings().extractor()) {
    extractor_name = terms.settings().extractor();
    extractor = parts.MakeExtractor(terms.settings());
  }
  registered = true;
  Beat();
  AskLeave();
}

void ParserNode::Impl::OnEndedAck(const wire::EndedAck& ack) {
  NoteCommit(ack.commit());
  for (const wire::EndedAck::One& one : ack.ended()) {
    auto it = reported.find(TicketId(one.key(), one.generation(), one.attempt()));
    if (it == reported.end()) continue;
    // Only links acknowledged as recorded are known (rule 3).
    if (it->second.cacheable) cache.Add(it->second.keys);
    if (!one.superseded()) TellCommitted(it->second);
    intake.Acknowledge(it->second.arrived, it->second.bytes);
    ++handed_in;
    for (auto& [twin, bytes] : it->second.twins) intake.Acknowledge(twin, bytes);
    reported.erase(it);
  }
}

void ParserNode::Impl::OnAllowedKeys(const wire::AllowedKeys& allowed) {
  std::set<PeerKey> allowed_keys(allowed.keys().begin(), allowed.keys().end());
  // The scheduler's own key: of who may read it on the scheduler's machine.
  std::set<PeerKey> tools(allowed.tools().begin(), allowed.tools().end());
  if (!options.scheduler_key.empty()) tools.insert(options.scheduler_key);
  std::set<PeerKey> all = allowed_keys;
  all.insert(tools.begin(), tools.end());
  bus.AllowKeys(all);
  intake.AllowKeys(std::move(allowed_keys));
  std::erase_if(suspects, [this](const ArrivedPage& page) { return !intake.Knows(page.from); });
  files.AllowKeys(std::move(tools));
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
  last_heard = clock.SteadyNow();
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
      case wire::Frame::kAllowedKeys:
        OnAllowedKeys(frame.allowed_keys());
        break;
      case wire::Frame::kEndedAck:
        OnEndedAck(frame.ended_ack());
        break;
      case wire::Frame::kSuspectLeave:
        OnSuspectLeave(frame.suspect_leave());
        break;
      case wire::Frame::kSubmitAgain:
        OnSubmitAgain(frame.submit_again());
        break;
      case wire::Frame::kStoredAck:
        OnStoredAck(frame.stored_ack());
        break;
      case wire::Frame::kDrain:
        if (!draining) {
          draining = true;
          walk.reset();
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

// ---- Node ----

void ParserNode::Start() { impl_->Connect(); }

void ParserNode::OnMessage(const PeerId& from, Message message) {
  Impl& p = *impl_;
  if (p.stopped) return;
  if (from == p.scheduler) {
    p.OnScheduler(message);
  } else if (message.frame.has_file_bytes_wanted()) {
    p.files.OnMessage(from, message);
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
  p.SubmitSome();
  p.WriteNoteIfDue();
  p.SyncIfNeeded();
  p.intake.OnTick(dead_after);
  p.files.OnTick();
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
  bool busy = p.store != nullptr && (!p.intake.empty() || (p.walk != nullptr && p.walk->ready()));
  return busy ? now : now + kTick;
}

void ParserNode::Drain(absl::Duration deadline) {
  Impl& p = *impl_;
  if (p.draining) return;
  p.draining = true;
  p.walk.reset();
  p.intake.StopCredit();
  p.drain_deadline = p.clock.SteadyNow() + deadline;
}

bool ParserNode::stopped() const { return impl_->stopped; }
const std::string& ParserNode::refused() const { return impl_->refused; }

bool ParserNode::hears_scheduler() const {
  return impl_->registered &&
         impl_->clock.SteadyNow() - impl_->last_heard <= 3 * absl::Microseconds(impl_->terms.heartbeat_us());
}

ParserNode::Counters ParserNode::counters() const {
  Counters counts = impl_->counts;
  counts.waiting = impl_->intake.waiting() + impl_->suspects.size();
  return counts;
}

}  // namespace weft
