// What the tests of SessionLink send: a numbered message, heartbeats and their answers, SessionUnknown.
#pragma once

#include <cstdint>

#include "common/bus.h"

namespace weft::test {

inline Message Numbered(uint64_t number) {
  Message message;
  message.frame.mutable_page_chunk()->set_page_id(number);
  return message;
}

inline Message Beat() {
  Message message;
  message.frame.mutable_page_beat();
  return message;
}

inline Message BeatReply() {
  Message message;
  message.frame.mutable_page_beat_reply();
  return message;
}

inline Message Unknown() {
  Message message;
  message.frame.mutable_session_unknown();
  return message;
}

}  // namespace weft::test
