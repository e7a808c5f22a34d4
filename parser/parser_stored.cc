// Pages that were stored before, submitted again (rule 13); and what this parser knows as acknowledged.
#include <spdlog/spdlog.h>

#include <utility>

#include "common/crawl_key.h"
#include "common/digest.h"
#include "common/status.h"
#include "parser/parser_node_impl.h"

namespace weft {
namespace {

constexpr absl::Duration kNoteEvery = absl::Seconds(1);

// The head with its empty line, and the body behind it.
std::pair<std::string_view, std::string_view> SplitMessage(std::string_view message) {
  const size_t crlf = message.find("\r\n\r\n");
  const size_t lf = message.find("\n\n");
  if (crlf == std::string_view::npos && lf == std::string_view::npos) return {message, {}};
  const size_t end = crlf < lf ? crlf + 4 : lf + 2;
  return {message.substr(0, end), message.substr(end)};
}

}  // namespace

void ParserNode::Impl::OnSubmitAgain(const wire::SubmitAgain& request) {
  if (draining || store == nullptr) return;
  auto pages = parts.OpenStoredPages(absl::FromUnixMicros(request.from_wall_us()));
  if (!pages.ok()) {
    wire::Frame frame;
    frame.mutable_submit_again_over()->set_problem(ErrorText(pages.status()));
    return ToScheduler(std::move(frame));
  }
  walk = std::make_unique<StoredWalk>(*std::move(pages), sync_pool);
}

void ParserNode::Impl::SubmitSome() {
  if (walk == nullptr) return;
  const absl::Time begun = clock.SteadyNow();
  PageOnDisk page;
  uint64_t number = 0;
  walk->Poke();
  while (walk->Take(page, number)) {
    SubmitStored(page, number);
    if (clock.SteadyNow() - begun > kBusyTurn) break;
  }
  walk->Poke();
  if (!walk->over()) return;
  wire::Frame frame;
  *frame.mutable_submit_again_over() = walk->result();
  ToScheduler(std::move(frame));
  walk.reset();
}

void ParserNode::Impl::SubmitStored(const PageOnDisk& page, uint64_t number) {
  Work work;
  wire::PageResult& result = work.result;
  result.set_stored_number(number);
  result.mutable_ticket()->set_url(page.url);
  auto url = Url::Parse(page.url);
  if (url.ok()) result.mutable_ticket()->set_key(fingerprinter.Of(CrawlKey(*url, keys)).ToBytes());
  const auto [head_bytes, body] = SplitMessage(page.response);
  auto head = HttpHead::ParseResponse(head_bytes);
  if (!head.ok()) head = HttpHead();
  PayloadView payload;
  ExtractPayload(*head, body, payload);
  result.set_status(static_cast<uint32_t>(head->status()));
  FillPlace(page.place, *result.mutable_place());
  result.set_payload_digest(Sha1(payload.payload));
  result.set_payload_bytes(payload.payload.size());
  result.set_truncated(!page.truncated.empty());
  result.set_wall_us(absl::ToUnixMicros(page.began));
  if (page.revisit_of) result.set_revisit_of_us(absl::ToUnixMicros(*page.revisit_of));
  if (parts.CrashesOn(result.ticket().key()) >= kMaxCrashes) {
    result.set_outcome(static_cast<uint32_t>(Outcome::kParserCrash));
  } else {
    result.set_outcome(static_cast<uint32_t>(Outcome::kResponse));
    Parse(work, *head, payload);
  }
  Report(work);
}

void ParserNode::Impl::OnStoredAck(const wire::StoredAck& ack) {
  NoteCommit(ack.commit());
  if (walk != nullptr) walk->Answer(ack);
}

void ParserNode::Impl::NoteCommit(uint64_t commit) {
  if (commit == 0) return;
  highest_commit = std::max(highest_commit, commit);
  const bool same = acknowledged.lineage == terms.identity().lineage() && acknowledged.incarnation == terms.incarnation();
  if (same && commit <= acknowledged.commit) return;
  acknowledged = {terms.identity().lineage(), terms.incarnation(), commit};
  if (options.note != nullptr) options.note->Take(acknowledged);
}

void ParserNode::Impl::WriteNoteIfDue() {
  const absl::Time now = clock.SteadyNow();
  if (options.note == nullptr || note_running || now - last_note < kNoteEvery || !options.note->changed()) return;
  auto result = std::make_shared<absl::Status>();  // written on the pool's thread, read when it is done
  note_running = sync_pool.Submit([result, note = options.note] { *result = note->Write(); },
                                  [this, result, living = alive] {
                                    if (!*living) return;
                                    note_running = false;
                                    if (!result->ok() && !note_failed) spdlog::warn("{}", ErrorText(*result));
                                    note_failed = !result->ok();
                                  });
  if (note_running) last_note = now;
}

}  // namespace weft
