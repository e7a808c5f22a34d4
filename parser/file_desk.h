// Answers tools that ask for bytes of the files in this parser's pages directory (weft export --scheduler). Blocking reads run on a
// pool; what may be asked at a time is bounded, and what is beyond it is answered as busy. Nothing is remembered between two
// requests: a tool that hears nothing asks again.
// Thread rule: the parser's loop.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/bus.h"
#include "common/clock.h"
#include "common/work_pool.h"
#include "storage/pages_files.h"

namespace weft {

class FileDesk {
 public:
  static constexpr int kMostPieces = 64;             // of a request
  static constexpr uint64_t kMostBytes = 32u << 20;  // wanted and not sent, by all tools
  static constexpr absl::Duration kBeat = absl::Seconds(1);

  // `reader` outlives what is on the pool; null: this parser answers for no files.
  FileDesk(Bus& bus, const Clock& clock, uint64_t session, uint64_t pages_dir_id, const PagesReader* reader, WorkPool& pool)
      : bus_(bus), clock_(clock), session_(session), pages_dir_id_(pages_dir_id), reader_(reader), pool_(pool) {}
  ~FileDesk();

  // Whose requests are answered from now on, by frames that come under a key; those from where no key is asked for are.
  void AllowKeys(std::set<PeerKey> keys) { allowed_ = std::move(keys); }
  // A FileBytesWanted.
  void OnMessage(const PeerId& from, const Message& message);
  // A tool that waits is told so once a second.
  void OnTick();
  // Requests under keys that are no tools'.
  uint64_t refused() const { return refused_; }

 private:
  struct Piece {
    wire::FileBytesWanted::Piece wanted;
    absl::StatusOr<std::string> bytes = std::string();
  };
  // The pieces of one request. While its work runs it is the work's.
  struct Job {
    PeerId asker;
    uint64_t session = 0;          // of the asker
    uint64_t bytes = 0;
    std::vector<Piece> pieces;
    FileDesk* desk = nullptr;      // null: gone
  };

  bool MayAsk(const PeerKey& key) const { return key.empty() || allowed_.contains(key); }
  std::string WhyRefused(const Message& message, const wire::FileBytesWanted::Piece& piece) const;
  void OnRead(Job& job);
  void Answer(const PeerId& to, uint64_t session, wire::FileBytes answer, Payload bytes = nullptr);

  Bus& bus_;
  const Clock& clock_;
  const uint64_t session_;
  const uint64_t pages_dir_id_;
  const PagesReader* reader_;
  WorkPool& pool_;
  std::set<PeerKey> allowed_;
  uint64_t pending_bytes_ = 0;
  uint64_t refused_ = 0;
  std::vector<std::shared_ptr<Job>> running_;  // shared with their work, which may outlive this object
  absl::Time next_beat_ = absl::InfinitePast();
};

}  // namespace weft
