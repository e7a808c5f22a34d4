// A node as the scheduler sees it: a connection, a key and a process, over a real SessionLink.
#pragma once

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/session_link.h"
#include "scheduler/scheduler_node.h"
#include "tests/support/recording_bus.h"

namespace weft::test {

class PlayedNode {
 public:
  PlayedNode(SchedulerNode& scheduler, RecordingBus& from_scheduler, PeerId name, PeerKey key, uint64_t process)
      : scheduler_(scheduler), from_scheduler_(from_scheduler), name_(std::move(name)), key_(std::move(key)), process_(process) {
    Begin();
  }
  void Register(bool fetches, bool parses) {
    fetches_ = fetches;
    parses_ = parses;
    wire::Frame frame;
    wire::Register* info = frame.mutable_register_();
    info->set_name(name_);
    info->set_node_id(process_ * 10 + (parses ? 1 : 0));
    info->set_fetches(fetches);
    info->set_parses(parses);
    info->set_process(process_);
    if (parses) info->set_pages_endpoint("tcp://" + name_);
    info->set_canonicaliser_version(scheduler_.db().identity().canonicaliser_version());
    info->set_public_suffix_version(scheduler_.db().identity().public_suffix_version());
    info->MergeFrom(more);
    Say(std::move(frame));
  }
  void Beat() {
    wire::Frame frame;
    frame.mutable_heartbeat()->set_lease_limit(100);
    frame.mutable_heartbeat()->set_nonce_echo(nonce_);
    link_->SendUnsequenced({std::move(frame), nullptr});
    Deliver();
  }
  void Fetched(const wire::UrlTicket& ticket) {
    wire::Frame frame;
    *frame.mutable_page_result()->mutable_ticket() = ticket;
    frame.mutable_page_result()->set_outcome(static_cast<uint32_t>(Outcome::kResponse));
    frame.mutable_page_result()->set_status(200);
    Say(std::move(frame));
  }
  void Say(wire::Frame frame) {
    link_->Send({std::move(frame), nullptr});
    Deliver();
  }
  void Hear() {
    while (heard_ < from_scheduler_.sent.size()) {
      const RecordingBus::Sent one = from_scheduler_.sent[heard_++];  // what follows hears too
      if (one.to != name_) continue;
      if (one.message.frame.has_session_unknown()) {
        Begin();
        Register(fetches_, parses_);
        continue;
      }
      for (Message& message : link_->Receive(one.message).deliver) {
        const wire::Frame& frame = message.frame;
        heard.push_back(frame);
        if (frame.has_heartbeat_reply()) nonce_ = frame.heartbeat_reply().nonce();
        if (frame.has_registered()) registered = true;
        if (frame.has_register_refused()) refused = frame.register_refused().reason();
        if (frame.has_peers()) parsers.assign(frame.peers().parsers().begin(), frame.peers().parsers().end());
        if (frame.has_allowed_keys()) allowed.assign(frame.allowed_keys().keys().begin(), frame.allowed_keys().keys().end());
        if (frame.has_allowed_keys()) tools.assign(frame.allowed_keys().tools().begin(), frame.allowed_keys().tools().end());
        if (!frame.has_lease_grant()) continue;
        for (const wire::UrlTicket& ticket : frame.lease_grant().urls()) granted.push_back(ticket);
      }
    }
  }

  std::vector<wire::Frame> Of(wire::Frame::BodyCase body) const {
    std::vector<wire::Frame> found;
    std::copy_if(heard.begin(), heard.end(), std::back_inserter(found),
                 [body](const wire::Frame& frame) { return frame.body_case() == body; });
    return found;
  }

  wire::Register more;   // what it tells of itself beside that
  std::vector<wire::Frame> heard;
  bool registered = false;
  std::string refused;
  std::vector<wire::ParserAddress> parsers;
  std::vector<std::string> allowed;
  std::vector<std::string> tools;
  std::vector<wire::UrlTicket> granted;

 private:
  void Begin() {
    static uint64_t sessions = 500;
    link_ = std::make_unique<SessionLink>(&bus_, "scheduler", ++sessions);
    nonce_ = 0;
  }
  void Deliver() {
    for (; said_ < bus_.sent.size(); ++said_) {
      Message message = bus_.sent[said_].message;
      message.from_key = key_;
      scheduler_.OnMessage(name_, std::move(message));
    }
    Hear();
  }

  SchedulerNode& scheduler_;
  RecordingBus& from_scheduler_;
  RecordingBus bus_;
  PeerId name_;
  PeerKey key_;
  uint64_t process_;
  bool fetches_ = false;
  bool parses_ = false;
  std::unique_ptr<SessionLink> link_;
  uint64_t nonce_ = 0;
  size_t said_ = 0;
  size_t heard_ = 0;
};

}  // namespace weft::test
