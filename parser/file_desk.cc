#include "parser/file_desk.h"

#include <algorithm>
#include <utility>

#include "common/status.h"

namespace weft {
namespace {

using Problem = wire::FileBytes;

wire::FileBytes::Problem ProblemOf(const absl::Status& status) {
  if (absl::IsNotFound(status)) return Problem::NO_FILE;
  return absl::IsInvalidArgument(status) ? Problem::REFUSED : Problem::UNREADABLE;
}

}  // namespace

FileDesk::~FileDesk() {
  for (const std::shared_ptr<Job>& job : running_) job->desk = nullptr;
}

std::string FileDesk::WhyRefused(const Message& message, const wire::FileBytesWanted::Piece& piece) const {
  const wire::FileBytesWanted& wanted = message.frame.file_bytes_wanted();
  if (!MayAsk(message.from_key)) return "its key is not for tools";
  if (reader_ == nullptr || wanted.pages_dir_id() != pages_dir_id_) return "that is not this parser's pages directory";
  if (piece.length() == 0 || piece.length() > kMaxPayloadBytes) return "no piece of a file";
  return "";
}

void FileDesk::OnMessage(const PeerId& from, const Message& message) {
  const wire::FileBytesWanted& wanted = message.frame.file_bytes_wanted();
  if (!MayAsk(message.from_key)) ++refused_;
  auto job = std::make_shared<Job>();
  job->asker = from;
  job->session = message.frame.session();
  job->desk = this;
  const int most = std::min(wanted.pieces_size(), kMostPieces);  // who asks for more is no Weft
  for (int i = 0; i < most; ++i) {
    const wire::FileBytesWanted::Piece& piece = wanted.pieces(i);
    wire::FileBytes refusal;
    refusal.set_number(piece.number());
    refusal.set_detail(WhyRefused(message, piece));
    if (!refusal.detail().empty()) {
      refusal.set_problem(Problem::REFUSED);
      Answer(from, job->session, std::move(refusal));
    } else if (pending_bytes_ + job->bytes + piece.length() > kMostBytes) {
      refusal.set_problem(Problem::BUSY);
      Answer(from, job->session, std::move(refusal));
    } else {
      job->bytes += piece.length();
      job->pieces.push_back({piece});
    }
  }
  if (job->pieces.empty()) return;
  auto work = [job, reader = reader_] {
    for (Piece& piece : job->pieces) piece.bytes = reader->Read(piece.wanted.file(), piece.wanted.offset(), piece.wanted.length());
  };
  auto done = [job] {
    if (job->desk != nullptr) job->desk->OnRead(*job);
  };
  if (pool_.Submit(std::move(work), std::move(done))) {
    pending_bytes_ += job->bytes;
    running_.push_back(std::move(job));
    return;
  }
  for (const Piece& piece : job->pieces) {
    wire::FileBytes busy;
    busy.set_number(piece.wanted.number());
    busy.set_problem(Problem::BUSY);
    Answer(from, job->session, std::move(busy));
  }
}

void FileDesk::OnRead(Job& job) {
  pending_bytes_ -= job.bytes;
  for (Piece& piece : job.pieces) {
    wire::FileBytes answer;
    answer.set_number(piece.wanted.number());
    if (!piece.bytes.ok()) {
      answer.set_problem(ProblemOf(piece.bytes.status()));
      answer.set_detail(ErrorText(piece.bytes.status()));
      Answer(job.asker, job.session, std::move(answer));
      continue;
    }
    // Shared as every payload is (common/bus.h); none where there is nothing.
    Payload bytes = piece.bytes->empty() ? nullptr : std::make_shared<const std::string>(*std::move(piece.bytes));
    Answer(job.asker, job.session, std::move(answer), std::move(bytes));
  }
  std::erase_if(running_, [&](const std::shared_ptr<Job>& one) { return one.get() == &job; });
}

void FileDesk::OnTick() {
  if (running_.empty() || clock_.SteadyNow() < next_beat_) return;
  next_beat_ = clock_.SteadyNow() + kBeat;
  std::set<std::pair<PeerId, uint64_t>> waiting;
  for (const std::shared_ptr<Job>& job : running_) waiting.insert({job->asker, job->session});
  for (const auto& [asker, session] : waiting) Answer(asker, session, {});
}

void FileDesk::Answer(const PeerId& to, uint64_t session, wire::FileBytes answer, Payload bytes) {
  wire::Frame frame;
  frame.set_version(kProtocolVersion);
  frame.set_session(session_);
  frame.set_peer_session(session);
  *frame.mutable_file_bytes() = std::move(answer);
  bus_.Send(to, {std::move(frame), std::move(bytes)});
}

}  // namespace weft
