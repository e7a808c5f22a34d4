#include "fetcher/curl_transport.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/epoll.h>

#include <cstdlib>
#include <deque>
#include <utility>
#include <vector>

#include "fetcher/curl_transfer.h"

namespace weft {
namespace {

constexpr absl::Duration kWaitStep = absl::Milliseconds(200);
constexpr absl::Duration kTellEvery = absl::Minutes(1);

void InitCurlOnce() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) std::abort();
}

// An error or hang-up is shown as readiness: the read or write then tells libcurl what it was.
int SelectBits(uint32_t events) {
  int bits = 0;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) bits |= CURL_CSELECT_IN;
  if (events & (EPOLLOUT | EPOLLERR)) bits |= CURL_CSELECT_OUT;
  return bits;
}

class CurlTransport : public Transport {
 public:
  CurlTransport(EventLoop& loop, const Clock& clock, const CurlTransportOptions& options);
  ~CurlTransport() override;

  Handle Start(const FetchRequest& request, FetchSink* sink) override;
  void Resume(Handle handle) override;
  void Cancel(Handle handle) override;

 private:
  enum class Action { kLaunch, kEnd, kResume };

  template <typename T>
  void Set(CURLMoption option, T value);
  static int OnSocket(CURL* easy, curl_socket_t fd, int what, void* self, void* socket_data);
  static int OnTimer(CURLM* multi, long milliseconds, void* self);

  CurlTransfer* Find(Handle handle);
  CurlTransfer* Acquire();
  // Begins the download, or lets it wait until its address has room.
  void Launch(CurlTransfer* transfer);
  void Carry(CurlTransfer* transfer);
  // Takes it from libcurl and from its address.
  void Release(CurlTransfer* transfer, CURLcode code);
  // It found no local port, and waits as if it had not been begun.
  void WaitForPort(CurlTransfer* transfer);
  void ArmWaiting(absl::Duration wait);
  void RunWaiting();
  void TellShortage(const CurlTransfer& transfer);
  // Lets libcurl work, then ends what it has finished.
  void Drive(curl_socket_t fd, int bits);
  void Harvest();
  void End(CurlTransfer* transfer, CURLcode code);
  void ArmLimit(CurlTransfer* transfer);
  void OnLimit(Handle handle);
  // What must not happen inside Start or inside a call into libcurl: in the next turn, or after that call.
  void Later(Action action, Handle handle);
  void ArmPending();
  void RunPending();
  void ResumeNow(CurlTransfer* transfer);

  EventLoop& loop_;
  const Clock& clock_;
  const CurlTransportOptions options_;
  CURLM* multi_;
  // libcurl refuses to be called from its own callbacks, where sinks run.
  bool inside_curl_ = false;
  bool aborting_ = false;  // connections that are closed now carry a request whose time is over
  uint64_t curl_timer_ = 0;
  uint64_t pending_timer_ = 0;
  std::vector<std::pair<Action, Handle>> pending_;
  Egress egress_;
  std::deque<Handle> waiting_;      // for room at their address, in order; of what has ended meanwhile nothing is found
  uint64_t waiting_timer_ = 0;
  absl::Time told_shortage_ = absl::InfinitePast();
  Handle last_handle_ = 0;
  absl::flat_hash_map<Handle, std::unique_ptr<CurlTransfer>> active_;
  std::vector<std::unique_ptr<CurlTransfer>> idle_;
  absl::flat_hash_set<curl_socket_t> watched_;
};

template <typename T>
void CurlTransport::Set(CURLMoption option, T value) {
  if (curl_multi_setopt(multi_, option, value) != CURLM_OK) std::abort();
}

CurlTransport::CurlTransport(EventLoop& loop, const Clock& clock, const CurlTransportOptions& options)
    : loop_(loop), clock_(clock), options_(options), egress_(options.egress) {
  InitCurlOnce();
  multi_ = curl_multi_init();
  if (multi_ == nullptr) std::abort();
  Set(CURLMOPT_SOCKETFUNCTION, &OnSocket);
  Set(CURLMOPT_SOCKETDATA, this);
  Set(CURLMOPT_TIMERFUNCTION, &OnTimer);
  Set(CURLMOPT_TIMERDATA, this);
  // The default follows the number of handles and closes warm connections as they become fewer.
  Set(CURLMOPT_MAXCONNECTS, static_cast<long>(options_.connections));
  Set(CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
}

CurlTransport::~CurlTransport() {
  inside_curl_ = true;
  for (auto& [handle, transfer] : active_) {
    if (transfer->added) curl_multi_remove_handle(multi_, transfer->easy());
    loop_.CancelTimer(transfer->timer);
  }
  active_.clear();
  idle_.clear();
  curl_multi_cleanup(multi_);
  for (const curl_socket_t fd : watched_) loop_.Unwatch(fd);
  loop_.CancelTimer(curl_timer_);
  loop_.CancelTimer(pending_timer_);
  loop_.CancelTimer(waiting_timer_);
}

int CurlTransport::OnSocket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  auto* transport = static_cast<CurlTransport*>(self);
  if (what == CURL_POLL_REMOVE) {
    if (transport->watched_.erase(fd) > 0) transport->loop_.Unwatch(fd);
    return 0;
  }
  uint32_t events = 0;
  if (what & CURL_POLL_IN) events |= EPOLLIN;
  if (what & CURL_POLL_OUT) events |= EPOLLOUT;
  transport->watched_.insert(fd);
  transport->loop_.Watch(fd, events, [transport, fd](uint32_t ready) { transport->Drive(fd, SelectBits(ready)); });
  return 0;
}

int CurlTransport::OnTimer(CURLM*, long milliseconds, void* self) {
  auto* transport = static_cast<CurlTransport*>(self);
  transport->loop_.CancelTimer(std::exchange(transport->curl_timer_, 0));
  if (milliseconds < 0) return 0;
  const absl::Time when = transport->clock_.SteadyNow() + absl::Milliseconds(milliseconds);
  transport->curl_timer_ = transport->loop_.At(when, [transport] {
    transport->curl_timer_ = 0;
    transport->Drive(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

CurlTransfer* CurlTransport::Find(Handle handle) {
  const auto found = active_.find(handle);
  return found == active_.end() ? nullptr : found->second.get();
}

CurlTransfer* CurlTransport::Acquire() {
  const Handle handle = ++last_handle_;
  std::unique_ptr<CurlTransfer>& slot = active_[handle];
  if (idle_.empty()) {
    slot = std::make_unique<CurlTransfer>(options_, clock_, aborting_);
  } else {
    slot = std::move(idle_.back());
    idle_.pop_back();
  }
  return slot.get();
}

Transport::Handle CurlTransport::Start(const FetchRequest& request, FetchSink* sink) {
  CurlTransfer* transfer = Acquire();
  const Handle handle = last_handle_;
  transfer->Prepare(handle, request, sink);
  transfer->place = egress_.PlaceFor(transfer->host(), request.address.is_v4());
  if (!request.proxy.empty() && !transfer->place) transfer->place = 0;
  // Through a proxy nothing is connected to it, and it may not be known.
  if (request.proxy.empty() && !AddressAllowed(request.address, options_.allowed_private)) {
    transfer->StopFor(Stop::kAddress);
  } else if (clock_.SteadyNow() > request.start_by) {
    transfer->StopFor(Stop::kStartBy);
  } else if (!transfer->place) {
    transfer->StopFor(Stop::kNoSource);
  }
  if (transfer->stop() != Stop::kNone) {
    Later(Action::kEnd, handle);
  } else if (inside_curl_) {
    Later(Action::kLaunch, handle);
  } else {
    Launch(transfer);
  }
  return handle;
}

void CurlTransport::Launch(CurlTransfer* transfer) {
  if (waiting_.empty() && egress_.HasRoom(*transfer->place, clock_.SteadyNow())) return Carry(transfer);
  waiting_.push_back(transfer->handle());
  ArmWaiting(kWaitStep);
}

void CurlTransport::RunWaiting() {
  for (size_t left = waiting_.size(); left > 0; --left) {
    CurlTransfer* transfer = Find(waiting_.front());
    const Handle handle = waiting_.front();
    waiting_.pop_front();
    if (transfer == nullptr) continue;
    const absl::Time now = clock_.SteadyNow();
    if (now > transfer->start_by()) {
      transfer->StopFor(Stop::kStartBy);
      End(transfer, CURLE_ABORTED_BY_CALLBACK);
    } else if (egress_.HasRoom(*transfer->place, now)) {
      Carry(transfer);
    } else {
      waiting_.push_back(handle);
    }
  }
  if (!waiting_.empty()) ArmWaiting(kWaitStep);
}

void CurlTransport::ArmWaiting(absl::Duration wait) {
  if (waiting_timer_ != 0) {
    if (wait > absl::ZeroDuration()) return;
    loop_.CancelTimer(waiting_timer_);
  }
  waiting_timer_ = loop_.At(clock_.SteadyNow() + wait, [this] {
    waiting_timer_ = 0;
    RunWaiting();
  });
}

void CurlTransport::WaitForPort(CurlTransfer* transfer) {
  egress_.RanShort(*transfer->place, clock_.SteadyNow());
  TellShortage(*transfer);
  Release(transfer, CURLE_COULDNT_CONNECT);
  transfer->PrepareAgain();
  waiting_.push_front(transfer->handle());
  ArmWaiting(kWaitStep);
}

void CurlTransport::TellShortage(const CurlTransfer& transfer) {
  const absl::Time now = clock_.SteadyNow();
  if (!options_.on_shortage || now < told_shortage_ + kTellEvery) return;
  told_shortage_ = now;
  const IpAddress* source = egress_.AddressOf(*transfer.place);
  options_.on_shortage(fmt::format("local ports or file descriptors have run short{}: downloads wait, fewer at a time are "
                                   "begun. More addresses (--egress), more ports (net.ipv4.ip_local_port_range) or a higher "
                                   "limit of open files help",
                                   source == nullptr ? "" : " at " + source->ToString()));
}

void CurlTransport::Carry(CurlTransfer* transfer) {
  egress_.Took(*transfer->place);
  transfer->carried = true;
  transfer->LeaveFrom(egress_.AddressOf(*transfer->place));
  transfer->deadline = clock_.SteadyNow() + options_.timeout;
  ArmLimit(transfer);
  // Adding does no work yet: it sets libcurl's timer to now.
  inside_curl_ = true;
  const CURLMcode code = curl_multi_add_handle(multi_, transfer->easy());
  inside_curl_ = false;
  if (code != CURLM_OK) std::abort();  // out of memory, or a handle that is already in
  transfer->added = true;
}

void CurlTransport::Drive(curl_socket_t fd, int bits) {
  int running = 0;
  inside_curl_ = true;
  curl_multi_socket_action(multi_, fd, bits, &running);
  inside_curl_ = false;
  Harvest();
  RunPending();
}

void CurlTransport::Harvest() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;  // the message is gone once its handle is
    char* transfer = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    End(reinterpret_cast<CurlTransfer*>(transfer), code);
  }
}

void CurlTransport::Release(CurlTransfer* transfer, CURLcode code) {
  if (transfer->added) {
    inside_curl_ = true;
    aborting_ = code != CURLE_OK;
    curl_multi_remove_handle(multi_, transfer->easy());
    aborting_ = false;
    inside_curl_ = false;
    transfer->added = false;
  }
  loop_.CancelTimer(std::exchange(transfer->timer, 0));
  if (std::exchange(transfer->carried, false)) egress_.Gave(*transfer->place);
  if (!waiting_.empty()) ArmWaiting(absl::ZeroDuration());
}

void CurlTransport::End(CurlTransfer* transfer, CURLcode code) {
  if (transfer->added && transfer->RanShort(code)) return WaitForPort(transfer);
  FetchSink* sink = transfer->sink();
  FetchResult result = transfer->Finish(code);
  Release(transfer, code);
  const auto found = active_.find(transfer->handle());
  if (idle_.size() < options_.connections) idle_.push_back(std::move(found->second));
  active_.erase(found);
  sink->OnEnd(std::move(result));  // last: the sink may start the next download on this handle
}

void CurlTransport::ArmLimit(CurlTransfer* transfer) {
  const Handle handle = transfer->handle();
  transfer->timer = loop_.At(transfer->deadline, [this, handle] { OnLimit(handle); });
}

void CurlTransport::OnLimit(Handle handle) {
  CurlTransfer* transfer = Find(handle);
  if (transfer == nullptr) return;
  transfer->timer = 0;
  if (transfer->paused()) return;  // armed again when it resumes
  transfer->StopFor(Stop::kTimeout);
  End(transfer, CURLE_OPERATION_TIMEDOUT);
}

void CurlTransport::Resume(Handle handle) { Later(Action::kResume, handle); }

void CurlTransport::ResumeNow(CurlTransfer* transfer) {
  if (!transfer->paused()) return;
  transfer->deadline += transfer->EndPause();
  loop_.CancelTimer(transfer->timer);
  ArmLimit(transfer);
  inside_curl_ = true;
  const CURLcode code = curl_easy_pause(transfer->easy(), CURLPAUSE_CONT);
  inside_curl_ = false;
  if (code != CURLE_OK) End(transfer, code);
}

void CurlTransport::Cancel(Handle handle) {
  CurlTransfer* transfer = Find(handle);
  if (transfer == nullptr) return;
  transfer->StopFor(Stop::kCancelled);
  if (inside_curl_) {
    Later(Action::kEnd, handle);
  } else {
    End(transfer, CURLE_ABORTED_BY_CALLBACK);
  }
}

void CurlTransport::Later(Action action, Handle handle) {
  pending_.emplace_back(action, handle);
  ArmPending();
}

void CurlTransport::ArmPending() {
  if (pending_.empty() || pending_timer_ != 0) return;
  pending_timer_ = loop_.At(clock_.SteadyNow(), [this] {
    pending_timer_ = 0;
    RunPending();
  });
}

// One round: what it adds waits for the next turn, so that a sink that starts one refused download after another does
// not keep the loop here.
void CurlTransport::RunPending() {
  if (pending_.empty()) return;
  for (const auto& [action, handle] : std::exchange(pending_, {})) {
    CurlTransfer* transfer = Find(handle);
    if (transfer == nullptr) continue;
    switch (action) {
      case Action::kLaunch:
        if (!transfer->added) Launch(transfer);
        break;
      case Action::kEnd: End(transfer, CURLE_ABORTED_BY_CALLBACK); break;
      case Action::kResume: ResumeNow(transfer); break;
    }
  }
  ArmPending();
}

}  // namespace

std::unique_ptr<Transport> NewCurlTransport(EventLoop& loop, const Clock& clock, const CurlTransportOptions& options) {
  return std::make_unique<CurlTransport>(loop, clock, options);
}

}  // namespace weft
