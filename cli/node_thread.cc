#include "cli/node_thread.h"

#include <utility>

namespace weft {
namespace {

constexpr absl::Duration kWatchEvery = absl::Milliseconds(50);
constexpr size_t kPoolQueue = 64;
// A large page takes a parser some hundred milliseconds.
constexpr absl::Duration kSlowCallback = absl::Seconds(2);

}  // namespace

NodeThread::NodeThread(const std::string& name, ZmqContext& context)
    : random_(SystemRandom()),
      loop_(name, SystemClock(), kSlowCallback),
      bus_(context, loop_,
           [this](const PeerId& from, Message message) {
             if (node_ != nullptr) {
               node_->OnMessage(from, std::move(message));
             } else if (receiver_) {
               receiver_(from, std::move(message));
             }
           }),
      pool_(name + "-disk", 1, kPoolQueue, loop_) {}

NodeThread::~NodeThread() {
  Stop();
  Join();
  loop_.SetNode(nullptr);
  node_.reset();
}

void NodeThread::SetNode(std::unique_ptr<Node> node, std::function<bool()> stopped) {
  node_ = std::move(node);
  stopped_ = std::move(stopped);
  loop_.SetNode(node_.get());
}

void NodeThread::WatchStopped() {
  if (stopped_ && stopped_()) {
    loop_.Stop();
    return;
  }
  loop_.At(SystemClock().SteadyNow() + kWatchEvery, [this] { WatchStopped(); });
}

void NodeThread::Run() {
  thread_ = std::thread([this] {
    if (node_ != nullptr) node_->Start();
    WatchStopped();
    loop_.Run();
    ended_ = true;
  });
}

void NodeThread::Stop() { loop_.Stop(); }

void NodeThread::Join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace weft
