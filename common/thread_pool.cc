#include "common/thread_pool.h"

#include <pthread.h>

#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "common/mutex.h"

namespace weft {

struct ThreadPool::Impl {
  struct Item {
    absl::AnyInvocable<void()> work;
    absl::AnyInvocable<void()> done;
  };

  Impl(std::string pool_name, size_t bound, EventLoop& node_loop)
      : name(std::move(pool_name)), capacity(bound), loop(node_loop) {}

  void RunThread(int index);
  bool Take(Item& item);

  const std::string name;
  const size_t capacity;
  EventLoop& loop;

  Mutex mutex;
  CondVar changed;
  std::deque<Item> waiting ABSL_GUARDED_BY(mutex);
  size_t running ABSL_GUARDED_BY(mutex) = 0;
  bool closing ABSL_GUARDED_BY(mutex) = false;

  std::vector<std::thread> threads;  // last: they use everything above
};

// False: the pool closes and nothing is left.
bool ThreadPool::Impl::Take(Item& item) {
  MutexLock lock(mutex);
  while (waiting.empty()) {
    if (closing) return false;
    changed.Wait(mutex);
  }
  item = std::move(waiting.front());
  waiting.pop_front();
  ++running;
  return true;
}

void ThreadPool::Impl::RunThread(int index) {
  std::string thread_name = name.substr(0, 12) + "/" + std::to_string(index);
  pthread_setname_np(pthread_self(), thread_name.substr(0, 15).c_str());
  Item item;
  while (Take(item)) {
    item.work();
    item.work = nullptr;  // what it held is free before `done` runs
    {
      // Before the post: `done` may submit again, and finds the place that it left.
      MutexLock lock(mutex);
      --running;
    }
    if (item.done) loop.Post(std::exchange(item.done, nullptr));
  }
}

ThreadPool::ThreadPool(std::string name, int threads, size_t capacity, EventLoop& loop)
    : impl_(std::make_unique<Impl>(std::move(name), capacity, loop)) {
  impl_->threads.reserve(static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    impl_->threads.emplace_back([impl = impl_.get(), i] { impl->RunThread(i); });
  }
}

ThreadPool::~ThreadPool() {
  {
    MutexLock lock(impl_->mutex);
    impl_->closing = true;
    impl_->changed.NotifyAll();
  }
  for (std::thread& thread : impl_->threads) thread.join();
}

bool ThreadPool::Submit(absl::AnyInvocable<void()> work, absl::AnyInvocable<void()> done) {
  MutexLock lock(impl_->mutex);
  if (impl_->waiting.size() + impl_->running >= impl_->capacity) return false;
  impl_->waiting.push_back({std::move(work), std::move(done)});
  impl_->changed.NotifyOne();
  return true;
}

}  // namespace weft
