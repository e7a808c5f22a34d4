// Pages that a parser was lost with before: read one after the other, each with the scheduler's leave, so that whatever machine it
// crashes, it is known which of them it was (rule 14).
#include <utility>

#include "parser/parser_node_impl.h"

namespace weft {

bool ParserNode::Impl::IsSuspect(const wire::Page& page) const {
  return !page.robots() && (page.crashes() > 0 || page.ticket().suspect());
}

void ParserNode::Impl::AskLeave() {
  if (leave_asked || suspects.empty() || !registered) return;
  wire::Frame frame;
  frame.mutable_suspect_page()->set_key(suspects.front().page.ticket().key());
  ToScheduler(std::move(frame));
  leave_asked = true;
}

void ParserNode::Impl::OnSuspectLeave(const wire::SuspectLeave& leave) {
  leave_asked = false;
  // The page may have been dropped with the key of who brought it.
  if (!suspects.empty() && suspects.front().page.ticket().key() == leave.key() && store != nullptr) {
    ArrivedPage page = std::move(suspects.front());
    suspects.pop_front();
    Process(std::move(page), leave.crashes());
    SyncIfNeeded();
  }
  wire::Frame frame;
  frame.mutable_suspect_page()->set_key(leave.key());
  frame.mutable_suspect_page()->set_over(true);
  ToScheduler(std::move(frame));
  AskLeave();
}

}  // namespace weft
