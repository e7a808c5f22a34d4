// A part of a message of libzmq, closed with its scope. Thread rule: a value.
#pragma once

#include <zmq.h>

#include <cstddef>
#include <string_view>

namespace weft {

class ZmqMessage {
 public:
  ZmqMessage() { zmq_msg_init(&message_); }
  ~ZmqMessage() { zmq_msg_close(&message_); }
  ZmqMessage(const ZmqMessage&) = delete;
  ZmqMessage& operator=(const ZmqMessage&) = delete;

  zmq_msg_t* get() { return &message_; }
  void* data() { return zmq_msg_data(&message_); }
  size_t size() { return zmq_msg_size(&message_); }
  bool more() { return zmq_msg_more(&message_) != 0; }
  std::string_view view() { return {static_cast<const char*>(data()), size()}; }

 private:
  zmq_msg_t message_;
};

}  // namespace weft
