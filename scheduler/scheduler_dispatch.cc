// What the scheduler answers nodes and tools: registration, heartbeats, work, seeds, records.
#include <algorithm>
#include <utility>

#include "common/node_tags.h"
#include "common/status.h"
#include "scheduler/scheduler_node_impl.h"

namespace weft {

namespace {

std::string BadTags(const wire::Register& info) {
  if (info.tags_size() > static_cast<int>(kMostTags)) return fmt::format("{} tags: a node has at most {}", info.tags_size(), kMostTags);
  const bool well = std::all_of(info.tags().begin(), info.tags().end(), [](const std::string& tag) { return IsTag(tag); });
  return well ? "" : "one of its tags is none: up to 32 lower-case letters, digits, '.', '_' and '-'";
}

}  // namespace

std::string SchedulerNode::Impl::WhyRefused(const wire::Frame& frame, const PeerKey& key) const {
  const wire::Register& info = frame.register_();
  if (frame.version() != kProtocolVersion) {
    return fmt::format("protocol {} does not fit the scheduler's {}: install the same version of weft on every node",
                       frame.version(), kProtocolVersion);
  }
  if (std::string why = WhyKeyMayNot(keys, key, info); !why.empty()) return why;
  if (info.tool()) return "";
  if (info.canonicaliser_version() != db->identity().canonicaliser_version()) {
    return fmt::format("this crawl's keys are made by canonicaliser {}, the node has {}: install the scheduler's version",
                       db->identity().canonicaliser_version(), info.canonicaliser_version());
  }
  if (const std::string why = BadTags(info); !why.empty()) return why;
  if (info.parses() && info.public_suffix_version() != db->identity().public_suffix_version()) {
    return fmt::format("this crawl's shards are made by public suffix list '{}', the node has '{}'",
                       db->identity().public_suffix_version(), info.public_suffix_version());
  }
  return "";
}

void SchedulerNode::Impl::NotePagesPlace(const wire::Register& info) {
  if (info.pages_dir_id() == 0) return;
  const PagesPlace place = {info.machine(), info.pages_path(), info.worker()};
  PagesPlace& known = pages_places[info.pages_dir_id()];
  const bool same = known.SamePlace(place);
  if (!same) known = place;
  known.heard = clock.WallNow();
  if (!same) Check(WritePagesPlaces(*db, pages_places));
}

void SchedulerNode::Impl::NoteHeard(const NodeEntry& parser) {
  if (!parser.works() || parser.info.pages_dir_id() == 0) return;
  const auto place = pages_places.find(parser.info.pages_dir_id());
  if (place == pages_places.end()) return;
  place->second.heard = std::max(place->second.heard, clock.WallNow() - (clock.SteadyNow() - parser.last_heard));
}

// Known after a restart too, about.
void SchedulerNode::Impl::WritePlacesIfDue() {
  const absl::Time now = clock.SteadyNow();
  if (now - places_written < kHeardEvery || pages_places.empty()) return;
  places_written = now;
  for (const auto& [peer, node] : nodes.nodes()) NoteHeard(node);
  Check(WritePagesPlaces(*db, pages_places));
}

void SchedulerNode::Impl::OnRegister(const PeerId& from, NodeEntry& node, const wire::Register& info) {
  node.info = info;
  node.registered = true;
  node.waits_since = absl::InfiniteFuture();
  Check(resubmits.OnRegister(info));
  if (info.parses()) NotePagesPlace(info);
  suspects.OnRegister(info);
  leases.NodeGone(from);
  Check(leases.AdoptHeld(from, info));
  wire::Frame frame;
  wire::Registered* reply = frame.mutable_registered();
  *reply->mutable_identity() = db->identity();
  reply->set_incarnation(db->incarnation());
  reply->set_previous_incarnation(db->previous_incarnation());
  reply->set_opened_commit(db->opened_commit());
  *reply->mutable_settings() = settings;
  reply->set_heartbeat_us(absl::ToInt64Microseconds(options.heartbeat));
  reply->set_dead_after_us(absl::ToInt64Microseconds(options.dead_after));
  FillParsers(nodes, reply->mutable_parsers());
  SendAllowedKeys(node);
  node.link.Send({std::move(frame), nullptr});
  if (info.parses()) {
    nodes.PushParsers();
    AcknowledgeAfterSync(from);
  }
  if (stop != StopReason::kNone) DrainNodes(/*fetchers=*/!parsers_told);
  if (stop == StopReason::kNone) Check(resubmits.Ask());
}

// A parser that has heard this tells the next opening of this one: what was found missing now is recorded by then.
void SchedulerNode::Impl::AcknowledgeAfterSync(const PeerId& parser) {
  gate.AfterSync([this, parser, commit = db->commit()] {
    wire::Frame frame;
    frame.mutable_ended_ack()->set_commit(commit);
    nodes.Send(parser, std::move(frame));
  });
}

void SchedulerNode::Impl::OnHeartbeat(const PeerId& from, NodeEntry& node, const wire::Frame& frame) {
  wire::Frame answer;
  node.NoteLoad(frame.heartbeat(), clock.SteadyNow());
  leases.OnHeartbeat(from, node, frame.heartbeat(), *answer.mutable_heartbeat_reply());
  node.link.SendUnsequenced({std::move(answer), nullptr}, &frame);
}

void SchedulerNode::Impl::DispatchWork(const PeerId& from, NodeEntry& node, wire::Frame& frame) {
  const bool reports_pages = frame.has_page_result() || frame.has_link_batch() || frame.has_submit_again_over() || frame.has_suspect_page();
  if (reports_pages && !node.info.parses()) {
    ++refused_frames;  // its token may not
    return;
  }
  switch (frame.body_case()) {
    case wire::Frame::kLeaseWanted:
      if (MayGrant()) leases.OnWanted(from, frame.lease_wanted(), Budget());
      break;
    case wire::Frame::kLeaseRelease:
      Check(leases.OnRelease(from, frame.lease_release()));
      break;
    case wire::Frame::kUrlEnded:
      commits.Take(from, std::move(*frame.mutable_url_ended()));
      break;
    case wire::Frame::kPageResult:
      if (frame.page_result().stored_number() > 0) {
        resubmits.Progress(from);
        Check(commits.TakeStored(from, std::move(*frame.mutable_page_result())));
      } else {
        commits.Take(from, std::move(*frame.mutable_page_result()));
      }
      break;
    case wire::Frame::kLinkBatch:
      if (frame.link_batch().stored()) {
        Check(commits.TakeStored(std::move(*frame.mutable_link_batch())));
      } else {
        commits.Take(from, frame.link_batch());
      }
      break;
    case wire::Frame::kSubmitAgainOver:
      Check(commits.Flush());  // what it submitted before is on record before it is no more wanted
      Check(resubmits.OnOver(from, frame.submit_again_over()));
      break;
    case wire::Frame::kSuspectPage:
      suspects.OnSuspect(from, node.info, frame.suspect_page());
      break;
    case wire::Frame::kHostPermitWanted:
      leases.OnPermitWanted(from, frame.host_permit_wanted(), clock.SteadyNow() >= hold_grants_until);
      break;
    case wire::Frame::kAddressPermitWanted:
      leases.OnAddressWanted(from, frame.address_permit_wanted());
      break;
    case wire::Frame::kHostPause:
      Check(leases.OnPause(frame.host_pause()));
      break;
    case wire::Frame::kHostPermitDone:
      leases.OnPermitDone(from, frame.host_permit_done());
      break;
    case wire::Frame::kGoodbye: {
      node.said_goodbye = true;
      node.draining = true;
      if (node.info.parses()) nodes.PushParsers();
      break;
    }
    default:
      break;
  }
}

void SchedulerNode::Impl::OnSeeds(const PeerId& from, const wire::SeedBatch& batch) {
  SeedCounts counts = AdmitSeeds({batch.urls().begin(), batch.urls().end()});
  wire::Frame frame;
  wire::SeedReply* reply = frame.mutable_seed_reply();
  reply->set_added(counts.added);
  reply->set_known(counts.known);
  for (const auto& [url, reason] : counts.bad) {
    wire::SeedReply::Bad* bad = reply->add_bad();
    bad->set_url(url);
    bad->set_reason(reason);
  }
  gate.AfterSync([this, from, frame = std::move(frame)]() mutable { nodes.Send(from, std::move(frame)); });
}

void SchedulerNode::Impl::OnRecords(const PeerId& from, const wire::RecordsRequest& request) {
  wire::RecordsReply reply;
  Check(FillRobots(*db, reply));
  for (const auto& [peer, node] : nodes.nodes()) NoteHeard(node);
  FillPlaces(pages_places, reply.mutable_parsers());
  FillServing(nodes, reply.mutable_serving());
  records.Ask(from, request, std::move(reply));
  Check(records.health());
}

void SchedulerNode::Impl::OnTraps(const PeerId& from, const wire::TrapsRequest& request) {
  wire::Frame frame;
  wire::TrapsReply& reply = *frame.mutable_traps_reply();
  if (limits.Decide(request, reply)) {
    Check(limits.Save(/*counts=*/true));
    reply.set_later(db->ledger().discovered > kMostJudgedAtOnce);
    if (reply.later()) {
      anchors_judged = kJudgeAtTheEnd;
    } else {
      reply.set_taken_up(TakeUpReleased());
    }
  }
  gate.AfterSync([this, from, frame = std::move(frame)]() mutable { nodes.Send(from, std::move(frame)); });
}

void SchedulerNode::Impl::OnNodeRequest(const PeerId& from, const wire::NodeRequest& request) {
  if (request.what() == wire::NodeRequest::DRAIN) return leavers.Drain(from, request);
  if (request.what() == wire::NodeRequest::FORGET) Check(leavers.Forget(from, request, pages_places));
}

void SchedulerNode::Impl::DispatchTool(const PeerId& from, wire::Frame& frame) {
  switch (frame.body_case()) {
    case wire::Frame::kSeedBatch:
      OnSeeds(from, frame.seed_batch());
      break;
    case wire::Frame::kTrapsRequest:
      OnTraps(from, frame.traps_request());
      break;
    case wire::Frame::kCheckpointRequest:
      checkpoints.Ask(from, frame.checkpoint_request());
      break;
    case wire::Frame::kNodeRequest:
      OnNodeRequest(from, frame.node_request());
      break;
    case wire::Frame::kRecordsRequest:
      OnRecords(from, frame.records_request());
      break;
    case wire::Frame::kPolitenessRequest: {
      wire::Frame answer;
      leases.Describe(frame.politeness_request().host(), *answer.mutable_politeness_reply());
      nodes.Send(from, std::move(answer));
      break;
    }
    default:
      break;
  }
}

void SchedulerNode::Impl::SayUnknown(const PeerId& peer, uint64_t session_of_peer) {
  wire::Frame frame;
  frame.set_version(kProtocolVersion);
  frame.set_session(session);
  frame.set_peer_session(session_of_peer);
  frame.mutable_session_unknown();
  bus.Send(peer, {std::move(frame), nullptr});
}

void SchedulerNode::Impl::Dispatch(const PeerId& from, NodeEntry& node, Message& message) {
  wire::Frame& frame = message.frame;
  switch (frame.body_case()) {
    case wire::Frame::kRegister: {
      std::string why = WhyRefused(frame, node.key);
      if (!why.empty()) return RefuseNode(from, node, why);
      node.info = frame.register_();
      if (node.arrival == 0) node.arrival = ++arrivals;
      if (FindTwin(from, node, absl::InfinitePast()) != nullptr) {
        if (node.waits_since == absl::InfiniteFuture()) node.waits_since = clock.SteadyNow();
        return suspects.OnWaiting(frame.register_());
      }
      return OnRegister(from, node, frame.register_());
    }
    case wire::Frame::kHeartbeat:
      // Its twin has given way (SettleTwins), and the word that tells it to begin anew was lost.
      if (!node.registered && node.info.node_id() != 0 && node.waits_since == absl::InfiniteFuture() && !node.refused &&
          node.replaced.empty()) {
        return SayUnknown(from, node.link.peer_session());
      }
      return OnHeartbeat(from, node, frame);
    default:
      if (!node.registered) return;
      if (node.info.tool()) {
        DispatchTool(from, frame);
      } else {
        DispatchWork(from, node, frame);
      }
  }
}

void SchedulerNode::OnMessage(const PeerId& from, Message message) {
  Impl& s = *impl_;
  if (!s.failed.ok()) return;
  if (!s.MaySpeak(from, message.from_key)) return;
  absl::Time now = s.clock.SteadyNow();
  // Somebody who was talking to an earlier life of ours, or was forgotten for its silence: start over.
  if (s.nodes.Find(from) == nullptr && message.frame.peer_session() != 0) {
    return s.SayUnknown(from, message.frame.session());
  }
  NodeEntry* node = s.nodes.FindOrAdd(from, now);
  if (node == nullptr) return;
  const uint64_t session_of_sender = message.frame.session();
  node->key = message.from_key;
  SessionLink::Received received = node->link.Receive(std::move(message));
  if (received.displaced) return s.SayUnknown(from, session_of_sender);
  node->last_heard = now;
  if (received.peer_lost_us) {
    // It was adopted by a late frame, and speaks to an earlier life of ours: nobody else tells it.
    wire::Frame unknown;
    unknown.mutable_session_unknown();
    return node->link.SendUnsequenced({std::move(unknown), nullptr});
  }
  if (received.new_session) {
    node->BeginSession();
  }
  for (Message& delivered : received.deliver) {
    if (delivered.frame.body_case() == wire::Frame::kStatusRequest) {
      wire::Frame answer;
      *answer.mutable_status_reply() = Status();
      node->link.Send({std::move(answer), nullptr});
    } else {
      s.Dispatch(from, *node, delivered);
    }
    if (!s.failed.ok()) return;
  }
}

}  // namespace weft
