#include "common/event_loop.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <spdlog/spdlog.h>

#include "common/mutex.h"

namespace weft {
namespace {

constexpr absl::Duration kShortestNodeSleep = absl::Microseconds(200);
constexpr uint64_t kWakeTag = UINT64_MAX;
constexpr uint64_t kTimerTag = UINT64_MAX - 1;
constexpr size_t kEventsPerTurn = 256;

int OrDie(int descriptor, const char* what) {
  if (descriptor >= 0) return descriptor;
  spdlog::critical("{}: {}", what, strerror(errno));
  std::abort();
}

void Drain(int counter_fd) {
  uint64_t count = 0;
  [[maybe_unused]] ssize_t got = read(counter_fd, &count, sizeof count);
}

// Only threads of our own: the main thread's name is the process's name in ps and top.
void NameThread(const std::string& name) {
  if (gettid() != getpid()) pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace

struct EventLoop::Impl {
  struct Watched {
    uint32_t generation = 0;
    absl::AnyInvocable<void(uint32_t)> callback;
  };
  struct Poller {
    uint64_t id = 0;  // 0: removed
    absl::AnyInvocable<bool()> poll;
  };
  using TimerKey = std::pair<absl::Time, uint64_t>;

  Impl(std::string loop_name, const Clock& steady_clock, absl::Duration slow);
  ~Impl();

  void Watch(int fd, uint32_t events, absl::AnyInvocable<void(uint32_t)> callback);
  void Unwatch(int fd);
  void CancelTimer(uint64_t id);
  void WakeLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  bool RunPosted();
  void RunTimers();
  bool RunPollers();
  void Tick();
  absl::Time WakeTime() const;
  bool MaySleep();
  void Arm(absl::Time wake);
  void WaitAndDispatch(bool sleep);
  void Dispatch(uint64_t tag, uint32_t events);
  // Takes the time since the last call as the length of the callback that ran in between.
  void Took(std::string_view what);

  const std::string name;
  const Clock& clock;
  const absl::Duration slow_callback;
  int epoll_fd;
  int wake_fd;
  int timer_fd;

  absl::flat_hash_map<int, std::unique_ptr<Watched>> watched;
  std::vector<std::unique_ptr<Watched>> unwatched;  // may be running; freed at the end of the turn
  uint32_t generation = 0;

  std::map<TimerKey, absl::AnyInvocable<void()>> timers;
  absl::flat_hash_map<uint64_t, absl::Time> timer_times;
  std::vector<uint64_t> due;  // of this turn
  uint64_t next_id = 1;

  std::vector<std::unique_ptr<Poller>> pollers;
  Node* node = nullptr;
  absl::Time ticked = absl::InfinitePast();
  absl::Time now;                           // the last reading
  absl::Time armed = absl::InfiniteFuture();  // what timer_fd is set to

  Mutex mutex;
  std::vector<absl::AnyInvocable<void()>> posted ABSL_GUARDED_BY(mutex);
  bool stop ABSL_GUARDED_BY(mutex) = false;
  bool sleeping ABSL_GUARDED_BY(mutex) = false;  // whoever posts must write to wake_fd
};

EventLoop::Impl::Impl(std::string loop_name, const Clock& steady_clock, absl::Duration slow)
    : name(std::move(loop_name)),
      clock(steady_clock),
      slow_callback(slow),
      epoll_fd(OrDie(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_fd(OrDie(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      timer_fd(OrDie(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create")),
      now(clock.SteadyNow()) {
  epoll_event wake{.events = EPOLLIN, .data = {.u64 = kWakeTag}};
  OrDie(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &wake), "epoll_ctl");
  epoll_event timer{.events = EPOLLIN, .data = {.u64 = kTimerTag}};
  OrDie(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &timer), "epoll_ctl");
}

// What callbacks own may unwatch and cancel as it is destroyed: every container is emptied while all of them exist.
EventLoop::Impl::~Impl() {
  std::vector<absl::AnyInvocable<void()>> old_posted;
  {
    MutexLock lock(mutex);
    old_posted.swap(posted);
  }
  old_posted.clear();
  auto old_pollers = std::exchange(pollers, {});
  old_pollers.clear();
  auto old_timers = std::exchange(timers, {});
  old_timers.clear();
  auto old_watched = std::exchange(watched, {});
  old_watched.clear();
  auto old_unwatched = std::exchange(unwatched, {});
  old_unwatched.clear();
  close(timer_fd);
  close(wake_fd);
  close(epoll_fd);
}

void EventLoop::Impl::Watch(int fd, uint32_t events, absl::AnyInvocable<void(uint32_t)> callback) {
  auto entry = std::make_unique<Watched>();
  entry->generation = ++generation & 0x7fffffff;
  entry->callback = std::move(callback);
  epoll_event event{.events = events,
                    .data = {.u64 = uint64_t{entry->generation} << 32 | static_cast<uint32_t>(fd)}};
  int result = epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event);
  // New, or closed and opened again under the same number.
  if (result != 0 && errno == ENOENT) result = epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
  if (result != 0) {
    spdlog::error("loop {}: cannot watch descriptor {}: {}", name, fd, strerror(errno));
    Unwatch(fd);
    return;
  }
  std::unique_ptr<Watched>& slot = watched[fd];
  if (slot) unwatched.push_back(std::move(slot));
  slot = std::move(entry);
}

void EventLoop::Impl::Unwatch(int fd) {
  auto it = watched.find(fd);
  if (it == watched.end()) return;
  unwatched.push_back(std::move(it->second));
  watched.erase(it);
  epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, nullptr);
}

void EventLoop::Impl::CancelTimer(uint64_t id) {
  auto it = timer_times.find(id);
  if (it == timer_times.end()) return;
  TimerKey key{it->second, id};
  timer_times.erase(it);
  auto timer = timers.extract(key);  // destroyed last: what it owns may come back here
}

void EventLoop::Impl::WakeLocked() {
  if (!sleeping) return;
  sleeping = false;
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = write(wake_fd, &one, sizeof one);
}

void EventLoop::Impl::Took(std::string_view what) {
  absl::Time end = clock.SteadyNow();
  absl::Duration took = end - std::exchange(now, end);
  if (took >= slow_callback) {
    spdlog::warn("loop {}: {} held the loop for {} ms", name, what, absl::ToInt64Milliseconds(took));
  }
}

// False once Stop was called.
bool EventLoop::Impl::RunPosted() {
  std::vector<absl::AnyInvocable<void()>> batch;
  bool stopping = false;
  {
    MutexLock lock(mutex);
    batch.swap(posted);
    stopping = std::exchange(stop, false);
    sleeping = false;
  }
  for (absl::AnyInvocable<void()>& callback : batch) {
    callback();
    callback = nullptr;
    Took("a posted callback");
  }
  return !stopping;
}

// Timers that are set meanwhile run in the next turn, so that one that sets itself anew does not keep the loop here.
void EventLoop::Impl::RunTimers() {
  due.clear();
  for (auto it = timers.begin(); it != timers.end() && it->first.first <= now; ++it) due.push_back(it->first.second);
  for (uint64_t id : due) {
    auto it = timer_times.find(id);
    if (it == timer_times.end()) continue;  // cancelled by one before it
    auto timer = timers.extract(TimerKey{it->second, id});
    timer_times.erase(it);
    timer.mapped()();
    timer.mapped() = nullptr;
    Took("a timer");
  }
}

bool EventLoop::Impl::RunPollers() {
  bool busy = false;
  for (size_t i = 0; i < pollers.size(); ++i) {  // they may add others
    Poller* poller = pollers[i].get();
    if (poller->id == 0) continue;
    busy |= poller->poll();
    Took("a poller");
  }
  std::erase_if(pollers, [](const std::unique_ptr<Poller>& poller) { return poller->id == 0; });
  return busy;
}

void EventLoop::Impl::Tick() {
  if (node == nullptr) return;
  node->OnTick();
  Took("the node's tick");
  ticked = now;
}

absl::Time EventLoop::Impl::WakeTime() const {
  absl::Time wake = timers.empty() ? absl::InfiniteFuture() : timers.begin()->first.first;
  if (node == nullptr) return wake;
  return std::min(wake, std::max(node->NextWake(), ticked + kShortestNodeSleep));
}

// From here on whoever posts writes to wake_fd.
bool EventLoop::Impl::MaySleep() {
  MutexLock lock(mutex);
  sleeping = posted.empty() && !stop;
  return sleeping;
}

// Lazily: a timer that is set to an earlier time is left alone, at the price of one wake-up for nothing. So a deadline
// that moves with every turn costs no system call. CLOCK_BOOTTIME: leases run on while the machine is suspended.
void EventLoop::Impl::Arm(absl::Time wake) {
  if (wake >= armed) return;
  armed = wake;
  itimerspec spec{};
  spec.it_value = absl::ToTimespec(std::max(wake - now, absl::Nanoseconds(1)));
  timerfd_settime(timer_fd, 0, &spec, nullptr);
}

void EventLoop::Impl::WaitAndDispatch(bool sleep) {
  if (sleep) {
    absl::Time wake = WakeTime();
    if (wake <= now) {
      sleep = false;
    } else {
      Arm(wake);
      sleep = MaySleep();
    }
  }
  std::array<epoll_event, kEventsPerTurn> events;
  int count = epoll_wait(epoll_fd, events.data(), static_cast<int>(events.size()), sleep ? -1 : 0);
  now = clock.SteadyNow();
  for (int i = 0; i < count; ++i) {  // -1: a signal
    Dispatch(events[static_cast<size_t>(i)].data.u64, events[static_cast<size_t>(i)].events);
  }
  // By index: what they own may unwatch more.
  for (size_t i = 0; i < unwatched.size(); ++i) std::unique_ptr<Watched> gone = std::move(unwatched[i]);
  unwatched.clear();
}

void EventLoop::Impl::Dispatch(uint64_t tag, uint32_t events) {
  if (tag == kWakeTag) return Drain(wake_fd);
  if (tag == kTimerTag) {
    armed = absl::InfiniteFuture();
    return Drain(timer_fd);
  }
  auto it = watched.find(static_cast<int>(tag & 0xffffffff));
  // Unwatched or replaced by a callback earlier in this batch.
  if (it == watched.end() || it->second->generation != tag >> 32) return;
  it->second->callback(events);
  Took("a descriptor's callback");
}

EventLoop::EventLoop(std::string name, const Clock& clock, absl::Duration slow_callback)
    : impl_(std::make_unique<Impl>(std::move(name), clock, slow_callback)) {}

EventLoop::~EventLoop() = default;

void EventLoop::Watch(int fd, uint32_t events, absl::AnyInvocable<void(uint32_t events)> callback) {
  impl_->Watch(fd, events, std::move(callback));
}

void EventLoop::Unwatch(int fd) { impl_->Unwatch(fd); }

uint64_t EventLoop::At(absl::Time when, absl::AnyInvocable<void()> callback) {
  uint64_t id = impl_->next_id++;
  impl_->timer_times[id] = when;
  impl_->timers.emplace(Impl::TimerKey{when, id}, std::move(callback));
  return id;
}

void EventLoop::CancelTimer(uint64_t id) { impl_->CancelTimer(id); }

void EventLoop::Post(absl::AnyInvocable<void()> callback) {
  MutexLock lock(impl_->mutex);
  impl_->posted.push_back(std::move(callback));
  impl_->WakeLocked();
}

uint64_t EventLoop::AddPoller(absl::AnyInvocable<bool()> poll) {
  uint64_t id = impl_->next_id++;
  impl_->pollers.push_back(std::make_unique<Impl::Poller>(Impl::Poller{id, std::move(poll)}));
  return id;
}

void EventLoop::RemovePoller(uint64_t id) {
  for (std::unique_ptr<Impl::Poller>& poller : impl_->pollers) {
    if (poller->id == id) poller->id = 0;
  }
}

void EventLoop::SetNode(Node* node) { impl_->node = node; }

void EventLoop::Run() {
  NameThread(impl_->name);
  impl_->now = impl_->clock.SteadyNow();
  bool busy = true;  // the first turn does not sleep: a node has work before any event
  bool running = true;
  while (running) {
    impl_->WaitAndDispatch(!busy);
    running = impl_->RunPosted();
    impl_->RunTimers();
    impl_->Tick();
    busy = impl_->RunPollers();
  }
}

void EventLoop::Stop() {
  MutexLock lock(impl_->mutex);
  impl_->stop = true;
  impl_->WakeLocked();
}

}  // namespace weft
