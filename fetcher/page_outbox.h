// Pages on their way to parsers. Each is held until its parser has acknowledged it; a page goes to another parser only
// after the first one's death, drain or refusal (rule 28). Parsers grant credit in items and bytes, as cumulative limits of
// one session (rule 25); who has no credit is not asked.
// Thread rule: the fetcher's loop.
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/time/time.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/random.h"
#include "common/session_link.h"

namespace weft {

struct OutPage {
  wire::Page page;
  std::vector<Payload> chunks;
  uint64_t bytes = 0;              // of all chunks
};

class PageOutbox {
 public:
  // `released` is told the bytes of each page that is acknowledged.
  PageOutbox(Bus& bus, const Clock& clock, Random& random, uint64_t node_id,
             absl::AnyInvocable<void(const OutPage& page)> released);

  // The live parsers, as the scheduler knows them. Pages of one that is gone go to another.
  void SetParsers(const google::protobuf::RepeatedPtrField<wire::ParserAddress>& parsers);
  bool Owns(const PeerId& peer) const { return parsers_.contains(peer); }
  void OnMessage(const PeerId& from, Message message);
  void Add(OutPage page);
  void OnTick(absl::Duration heartbeat, absl::Duration dead_after);

  // Pages that parsers would still take, beyond those that wait here.
  uint64_t free_items() const;
  bool empty() const { return pages_.empty(); }
  size_t size() const { return pages_.size(); }
  // How long the oldest page has been held.
  absl::Duration OldestAge() const;
  // What is held, for a scheduler that has to know at registration.
  void FillHolding(google::protobuf::RepeatedPtrField<wire::UrlTicket>* tickets) const;

 private:
  struct Parser {
    uint64_t node_id = 0;
    std::string endpoint;
    SessionLink link;
    uint64_t credit_items = 0;     // cumulative, this session
    uint64_t credit_bytes = 0;
    uint64_t sent_items = 0;
    uint64_t sent_bytes = 0;
    absl::Time last_heard;
    absl::Time last_beat = absl::InfinitePast();
    absl::Time blocked_until = absl::InfinitePast();   // it refused a page
  };
  struct Held {
    OutPage out;
    PeerId parser;                 // "" = waits for one
    absl::Time since;
  };

  void Greet(Parser& parser);
  void Recall(const PeerId& peer);
  void Assign();
  Parser* Choose(uint64_t bytes);
  void SendPage(Parser& parser, Held& held);
  void OnAck(Parser& parser, const wire::PageAck& ack);
  void OnRefused(Parser& parser, const wire::PageRefused& refused);

  Bus& bus_;
  const Clock& clock_;
  Random& random_;
  uint64_t node_id_;
  absl::AnyInvocable<void(const OutPage& page)> released_;
  std::map<PeerId, Parser> parsers_;  // ordered: a simulated run repeats
  std::map<uint64_t, Held> pages_;       // by page id
  std::deque<uint64_t> waiting_;         // ids without a parser
  uint64_t next_page_id_ = 1;
};

}  // namespace weft
