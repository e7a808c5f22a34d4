#include "cli/pages_gatherer.h"

#include <algorithm>
#include <utility>

#include "cli/reach.h"
#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(50);
constexpr absl::Duration kBusyPause = absl::Milliseconds(200);
constexpr int kPiecesAtOnce = 64;

absl::Status StatusOf(const wire::FileBytes& answer) {
  if (answer.problem() == wire::FileBytes::NO_FILE) return NotFound("{}", answer.detail());
  if (answer.problem() == wire::FileBytes::REFUSED) return absl::PermissionDeniedError(answer.detail());
  return DataLoss("{}", answer.detail());
}

}  // namespace

PagesGatherer::PagesGatherer() : random_(SystemRandom()), loop_("gather", SystemClock()) {}

PagesGatherer::~PagesGatherer() = default;

absl::StatusOr<std::unique_ptr<PagesGatherer>> PagesGatherer::Make(const KeyPair& own) {
  std::unique_ptr<PagesGatherer> gatherer(new PagesGatherer());
  gatherer->session_ = gatherer->random_->NextId();
  gatherer->bus_ = std::make_unique<ZmqBus>(gatherer->context_, gatherer->loop_, [raw = gatherer.get()](const PeerId& from, Message message) {
    raw->OnMessage(from, message);
  });
  if (!own.secret_key.empty()) WEFT_RETURN_IF_ERROR(gatherer->bus_->UseKeys(own));
  return gatherer;
}

void PagesGatherer::Know(const google::protobuf::RepeatedPtrField<wire::ParserAddress>& parsers) {
  for (const wire::ParserAddress& parser : parsers) {
    if (parser.pages_dir_id() == 0) continue;
    Node& node = nodes_[parser.node_id()];
    node.address = parser;
  }
  std::vector<uint64_t> left;
  for (auto& [id, node] : nodes_) {
    const bool there = std::any_of(parsers.begin(), parsers.end(), [&](const auto& one) { return one.node_id() == node.address.node_id(); });
    if (!there) left.push_back(id);
  }
  for (const uint64_t id : left) {
    GiveUp(nodes_[id], "the scheduler does not hear it any more");
    if (!nodes_[id].peer.empty()) bus_->Disconnect(nodes_[id].peer);
    nodes_.erase(id);
  }
}

bool PagesGatherer::Serves(uint64_t pages_dir_id) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& one) {
    return one.second.address.pages_dir_id() == pages_dir_id && one.second.gone.empty();
  });
}

// Of those that answer for the directory the one that has the least to do.
PagesGatherer::Node* PagesGatherer::NodeFor(uint64_t pages_dir_id) {
  Node* best = nullptr;
  for (auto& [id, node] : nodes_) {
    if (node.address.pages_dir_id() != pages_dir_id || !node.gone.empty()) continue;
    if (best == nullptr || node.asked < best->asked) best = &node;
  }
  if (best == nullptr || !best->peer.empty()) return best;
  auto peer = bus_->ConnectTo(best->address.endpoint(), best->address.public_key());
  if (!peer.ok()) {
    GiveUp(*best, ErrorText(peer.status()));
    return NodeFor(pages_dir_id);
  }
  best->peer = *std::move(peer);
  return best;
}

void PagesGatherer::Plan(uint64_t pages_dir_id, const std::string& file, uint64_t offset, uint64_t length,
                         std::vector<uint64_t>* numbers) {
  for (uint64_t begin = 0; begin < length; begin += kMaxPayloadBytes) {
    const uint64_t size = std::min<uint64_t>(kMaxPayloadBytes, length - begin);
    const Key key(pages_dir_id, file, offset + begin);
    auto known = numbers_.find(key);
    if (known != numbers_.end() && pieces_[known->second].length < size) {
      Drop(known->second);
      known = numbers_.end();
    }
    if (known == numbers_.end()) {
      known = numbers_.emplace(key, ++last_number_).first;
      Piece piece;
      piece.pages_dir_id = pages_dir_id;
      piece.file = file;
      piece.offset = offset + begin;
      piece.length = size;
      pieces_.emplace(known->second, std::move(piece));
    }
    if (numbers != nullptr) numbers->push_back(known->second);
  }
}

void PagesGatherer::Expect(const std::vector<WarcPlace>& places) {
  std::vector<uint64_t> old;
  for (const auto& [number, piece] : pieces_) old.push_back(number);
  for (const uint64_t number : old) Drop(number);
  for (const WarcPlace& place : places) Plan(place.pages_dir_id, place.file, place.offset, place.length, nullptr);
  expected_through_ = last_number_;
  AskMore();
}

void PagesGatherer::Drop(uint64_t number) {
  const auto it = pieces_.find(number);
  if (it == pieces_.end()) return;
  const Piece& piece = it->second;
  if (piece.state == State::kAsked) {
    // Its answer finds nobody who waits for it.
    const auto node = nodes_.find(piece.node_id);
    if (node != nodes_.end() && node->second.asked > 0) --node->second.asked;
  }
  numbers_.erase(Key(piece.pages_dir_id, piece.file, piece.offset));
  pieces_.erase(it);
}

// The piece that is waited for goes first, whatever is here; of the others as many as there is room for.
void PagesGatherer::AskMore() {
  const absl::Time now = SystemClock().SteadyNow();
  uint64_t bytes = 0;
  size_t count = 0;
  for (const auto& [number, piece] : pieces_) {
    if (piece.state != State::kAsked && piece.state != State::kHere) continue;
    bytes += piece.length;
    ++count;
  }
  std::map<Node*, std::vector<uint64_t>> asked;
  for (auto& [number, piece] : pieces_) {
    if (number != reading_ && (count >= kMostPieces || bytes + piece.length > kMostBytes)) {
      if (number > reading_) break;
      continue;
    }
    if (piece.state != State::kWaiting || piece.not_before > now) continue;
    Node* node = NodeFor(piece.pages_dir_id);
    if (node == nullptr) {
      piece.state = State::kFailed;
      piece.status = Unavailable("{}", WhyGone(piece.pages_dir_id));
      continue;
    }
    piece.state = State::kAsked;
    piece.node_id = node->address.node_id();
    if (node->asked++ == 0) node->heard = node->asked_at = now;
    bytes += piece.length;
    ++count;
    asked[node].push_back(number);
  }
  for (auto& [node, numbers] : asked) Ask(*node, numbers);
}

void PagesGatherer::Ask(Node& node, const std::vector<uint64_t>& numbers) {
  wire::Frame frame;
  const auto send = [&] {
    frame.set_version(kProtocolVersion);
    frame.set_session(session_);
    frame.mutable_file_bytes_wanted()->set_pages_dir_id(node.address.pages_dir_id());
    bus_->Send(node.peer, {std::move(frame), nullptr});
    frame = wire::Frame();
  };
  for (const uint64_t number : numbers) {
    const Piece& piece = pieces_[number];
    wire::FileBytesWanted::Piece* out = frame.mutable_file_bytes_wanted()->add_pieces();
    out->set_number(number);
    out->set_file(piece.file);
    out->set_offset(piece.offset);
    out->set_length(piece.length);
    if (frame.file_bytes_wanted().pieces_size() >= kPiecesAtOnce) send();
  }
  if (frame.has_file_bytes_wanted()) send();
}

void PagesGatherer::OnMessage(const PeerId& from, const Message& message) {
  const auto node = std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& one) { return one.second.peer == from; });
  if (node == nodes_.end() || !message.frame.has_file_bytes() || message.frame.peer_session() != session_) return;
  const wire::FileBytes& answer = message.frame.file_bytes();
  node->second.heard = SystemClock().SteadyNow();
  const auto it = pieces_.find(answer.number());
  if (it == pieces_.end() || it->second.state != State::kAsked || it->second.node_id != node->first) return;
  Piece& piece = it->second;
  if (node->second.asked > 0) --node->second.asked;
  if (answer.problem() == wire::FileBytes::BUSY) {
    piece.state = State::kWaiting;
    piece.not_before = node->second.heard + kBusyPause;
  } else if (answer.problem() != wire::FileBytes::NONE) {
    piece.state = State::kFailed;
    piece.status = StatusOf(answer);
  } else {
    piece.state = State::kHere;
    if (message.payload != nullptr) piece.bytes = *message.payload;
  }
  if (it->first == reading_ && piece.state != State::kWaiting) loop_.Stop();
}

// What it was asked for is asked of another one, if there is one.
void PagesGatherer::GiveUp(Node& node, std::string why) {
  node.gone = std::move(why);
  node.asked = 0;
  for (auto& [number, piece] : pieces_) {
    if (piece.state == State::kAsked && piece.node_id == node.address.node_id()) piece.state = State::kWaiting;
  }
}

std::string PagesGatherer::WhyGone(uint64_t pages_dir_id) const {
  std::string why;
  for (const auto& [id, node] : nodes_) {
    if (node.address.pages_dir_id() == pages_dir_id && !node.gone.empty()) why = node.gone;
  }
  return why.empty() ? "no worker that has it is connected to the scheduler" : why;
}

// A request may be lost while a connection is opened again: after a silence it is sent once more, after a longer one its parser is
// given up. One that only takes long says so every second.
void PagesGatherer::WatchNodes() {
  const absl::Time now = SystemClock().SteadyNow();
  for (auto& [id, node] : nodes_) {
    if (node.asked == 0 || !node.gone.empty()) continue;
    const absl::Duration silence = now - node.heard;
    const bool refused = bus_->counters().key_refused >= kRefusals && bus_->counters().received == 0;
    if (silence > kGone || refused) {
      GiveUp(node, refused ? std::string("it does not accept this token")
                           : fmt::format("it has not answered at {} for {}", node.address.endpoint(), weft::FormatDuration(kGone)));
    } else if (silence > kAskAgain && now - node.asked_at > kAskAgain) {
      node.asked_at = now;
      std::vector<uint64_t> again;
      for (const auto& [number, piece] : pieces_) {
        if (piece.state == State::kAsked && piece.node_id == id) again.push_back(number);
      }
      Ask(node, again);
    }
  }
}

void PagesGatherer::RunFor(absl::Duration time) {
  const uint64_t timer = loop_.At(SystemClock().SteadyNow() + time, [&] { loop_.Stop(); });
  loop_.Run();
  loop_.CancelTimer(timer);
}

absl::StatusOr<std::string> PagesGatherer::ReadPiece(uint64_t number) {
  reading_ = number;
  while (true) {
    AskMore();
    Piece& piece = pieces_[number];
    if (piece.state == State::kHere) {
      std::string bytes = std::move(piece.bytes);
      Drop(number);
      return bytes;
    }
    if (piece.state == State::kFailed) {
      const absl::Status status = piece.status;
      Drop(number);
      return status;
    }
    RunFor(kLook);
    WatchNodes();
  }
}

absl::StatusOr<std::string> PagesGatherer::Read(uint64_t pages_dir_id, const std::string& file, uint64_t offset, uint64_t length) {
  std::vector<uint64_t> numbers;
  Plan(pages_dir_id, file, offset, length, &numbers);
  // What was expected before it is not read any more.
  std::vector<uint64_t> passed;
  const uint64_t first = numbers.empty() || numbers.front() > expected_through_ ? 0 : numbers.front();
  for (auto it = pieces_.begin(); it != pieces_.end() && it->first < first; ++it) passed.push_back(it->first);
  for (const uint64_t one : passed) Drop(one);
  std::string bytes;
  for (const uint64_t number : numbers) {
    const uint64_t wanted = pieces_[number].length;
    WEFT_ASSIGN_OR_RETURN(const std::string piece, ReadPiece(number));
    bytes += piece;
    if (piece.size() < wanted) break;
  }
  for (const uint64_t number : numbers) Drop(number);
  bytes.resize(std::min<size_t>(bytes.size(), length));
  return bytes;
}

}  // namespace weft
