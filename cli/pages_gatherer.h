// Asks the parsers of a cluster for bytes of the files in their pages directories, for an export on another machine. What will be
// read is asked for ahead, so that a page does not cost a journey; what is on its way or not yet read is bounded.
// Thread rule: one thread; Read blocks.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "common/bus.h"
#include "common/clock.h"
#include "common/event_loop.h"
#include "common/random.h"
#include "common/zmq_bus.h"
#include "storage/url_record.h"

namespace weft {

class PagesGatherer {
 public:
  static constexpr size_t kMostPieces = 256;          // asked for, or here and not read
  static constexpr uint64_t kMostBytes = 8u << 20;
  static constexpr absl::Duration kAskAgain = absl::Seconds(4);   // of silence
  static constexpr absl::Duration kGone = absl::Seconds(12);      // and of more

  // `own`: who we are to the parsers; empty halves: they ask for no keys.
  static absl::StatusOr<std::unique_ptr<PagesGatherer>> Make(const KeyPair& own);
  ~PagesGatherer();

  // The parsers that the scheduler knows now. One that was given up is tried again when it has begun anew.
  void Know(const google::protobuf::RepeatedPtrField<wire::ParserAddress>& parsers);
  // Somebody answers for that directory, as far as is known.
  bool Serves(uint64_t pages_dir_id) const;
  // What will be read next, in that order; in place of what was said before.
  void Expect(const std::vector<WarcPlace>& places);
  // As PagesFiles::ReadBytes. Unavailable: nobody who answers for the directory can be reached, and why.
  absl::StatusOr<std::string> Read(uint64_t pages_dir_id, const std::string& file, uint64_t offset, uint64_t length);

 private:
  struct Node {
    wire::ParserAddress address;
    PeerId peer;                   // "": not connected yet
    uint64_t asked = 0;            // pieces that it has not answered
    absl::Time heard;              // or asked first, if that was later
    absl::Time asked_at;
    std::string gone;              // why it is given up
  };
  enum class State : uint8_t { kWaiting, kAsked, kHere, kFailed };
  struct Piece {
    uint64_t pages_dir_id = 0;
    std::string file;
    uint64_t offset = 0;
    uint64_t length = 0;
    State state = State::kWaiting;
    uint64_t node_id = 0;          // asked
    absl::Time not_before = absl::InfinitePast();
    std::string bytes;
    absl::Status status;
  };
  using Key = std::tuple<uint64_t, std::string, uint64_t>;   // directory, file, offset

  PagesGatherer();
  void Plan(uint64_t pages_dir_id, const std::string& file, uint64_t offset, uint64_t length, std::vector<uint64_t>* numbers);
  absl::StatusOr<std::string> ReadPiece(uint64_t number);
  void Drop(uint64_t number);
  void AskMore();
  void Ask(Node& node, const std::vector<uint64_t>& numbers);
  Node* NodeFor(uint64_t pages_dir_id);
  void WatchNodes();
  void GiveUp(Node& node, std::string why);
  std::string WhyGone(uint64_t pages_dir_id) const;
  void OnMessage(const PeerId& from, const Message& message);
  void RunFor(absl::Duration time);

  ZmqContext context_;
  std::unique_ptr<Random> random_;
  EventLoop loop_;
  std::unique_ptr<ZmqBus> bus_;
  uint64_t session_ = 0;
  std::map<uint64_t, Node> nodes_;     // by node id
  std::map<uint64_t, Piece> pieces_;   // by number, as they will be read
  std::map<Key, uint64_t> numbers_;
  uint64_t last_number_ = 0;
  uint64_t expected_through_ = 0;      // numbers of pieces that were expected
  uint64_t reading_ = 0;               // the piece that is waited for
};

}  // namespace weft
