#include "storage/store_uploads.h"

#include <pthread.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <set>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "common/status.h"
#include "storage/cdxj_beside.h"
#include "storage/file_ops.h"
#include "storage/warc_format.h"

namespace weft {
namespace {

// Files that fail one after the other, at the end, before the rest is not tried: a thousand times the patience with one is too long.
constexpr int kMostUnanswered = 3;

bool IsThere(const std::string& path) { return PosixFileOps().Exists(path); }

// The store does not take this file now, and would take no other: it is away, or the keys, the bucket or the clock are wrong, which
// somebody may set right.
bool IsOfTheStore(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsPermissionDenied(status) || absl::IsFailedPrecondition(status) || absl::IsNotFound(status);
}

}  // namespace

absl::StatusOr<bool> StoreWithIndex(ObjectStore& store, const StoreOptions& options, const std::string& directory, const std::string& name,
                                    ObjectDigest& digest) {
  const std::string path = fmt::format("{}/{}", directory, name);
  const std::string index = name + std::string(kCdxjSuffix);
  WEFT_ASSIGN_OR_RETURN(digest, DigestOfFile(path));
  bool sent = false;
  if (IsThere(fmt::format("{}/{}", directory, index))) {
    WEFT_ASSIGN_OR_RETURN(const ObjectDigest of_index, DigestOfFile(fmt::format("{}/{}", directory, index)));
    WEFT_ASSIGN_OR_RETURN(sent, store.Put(fmt::format("{}/{}", directory, index), index, of_index));
  }
  WEFT_ASSIGN_OR_RETURN(const bool sent_file, store.Put(path, name, digest));
  WEFT_RETURN_IF_ERROR(WriteStoreNote(path, {options, name, digest}));
  return sent || sent_file;
}

absl::Status FreeStored(const std::string& directory, const std::string& name) {
  const std::string path = fmt::format("{}/{}", directory, name);
  WEFT_ASSIGN_OR_RETURN(const StoreNote note, ReadStoreNote(path));
  // Freed already, it may be just now: by another thread, or by a process that ends.
  if (!IsThere(path)) return absl::OkStatus();
  const auto here = DigestOfFile(path);
  if (!here.ok()) return IsThere(path) ? here.status() : absl::OkStatus();
  if (!(*here == note.digest)) return FailedPrecondition("{} is not the file that was stored as {}: it is kept", path, note.name);
  const absl::Status removed = PosixFileOps().Remove(path);
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  return PosixFileOps().SyncDirectory(directory);
}

struct StoreUploads::Impl {
  Impl(const StoreUploadsOptions& uploads_options, MakeStore make_store, std::function<void(const std::string&)> tell_people)
      : options(uploads_options), make(std::move(make_store)), tell(std::move(tell_people)) {}

  void RunThread(int index);
  // `last`: no more files come, and this one is tried once more.
  bool Take(std::string& name, bool& last);
  void Free(const std::string& name);
  void Scan();
  void Enqueue(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::Status StoreOne(ObjectStore& store, const std::string& name, ObjectDigest& digest);
  void Ended(const std::string& name, const absl::Status& status, uint64_t bytes, bool last);
  void SetTrouble(const std::string& trouble) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void PauseWhileAway();
  void Tell(const std::string& text) { tell(text); }

  const StoreUploadsOptions options;
  const MakeStore make;
  const std::function<void(const std::string&)> tell;
  StoppableWait wait;

  // Held while a file is removed: who stored it and who looks through the directory may both mean to, and one of them counts it.
  Mutex freeing;
  mutable Mutex mutex;
  CondVar changed;
  std::deque<std::string> queue ABSL_GUARDED_BY(mutex);
  std::set<std::string> known ABSL_GUARDED_BY(mutex);   // in the queue or under way
  std::set<std::string> failed ABSL_GUARDED_BY(mutex);  // given up
  bool look_again ABSL_GUARDED_BY(mutex) = false;       // the queue was full: names are missing from it
  bool looking ABSL_GUARDED_BY(mutex) = false;
  std::set<std::string> stored_since ABSL_GUARDED_BY(mutex);  // stored while a thread looks, which may have seen them before
  bool finishing ABSL_GUARDED_BY(mutex) = false;
  int unanswered ABSL_GUARDED_BY(mutex) = 0;            // in a row, since it finishes
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  uint64_t stored ABSL_GUARDED_BY(mutex) = 0;
  uint64_t stored_bytes ABSL_GUARDED_BY(mutex) = 0;
  uint64_t freed ABSL_GUARDED_BY(mutex) = 0;
  StoreTally before ABSL_GUARDED_BY(mutex);             // what earlier runs left
  std::string last_error ABSL_GUARDED_BY(mutex);
  std::string trouble ABSL_GUARDED_BY(mutex);

  std::vector<std::thread> threads;  // last: they use everything above
};

// Names that do not fit are found again later.
void StoreUploads::Impl::Enqueue(const std::string& name) {
  if (failed.contains(name) || known.contains(name)) return;
  if (unanswered >= kMostUnanswered) {
    failed.insert(name);
    return;
  }
  if (queue.size() >= options.queue) {
    look_again = true;
    return;
  }
  known.insert(name);
  queue.push_back(name);
  changed.NotifyOne();
}

void StoreUploads::Impl::Free(const std::string& name) {
  const std::string path = fmt::format("{}/{}", options.directory, name);
  MutexLock only(freeing);
  const bool here = IsThere(path);
  const absl::Status status = FreeStored(options.directory, name);
  if (!status.ok()) return Tell(ErrorText(status));
  MutexLock lock(mutex);
  if (here) ++freed;
}

// What is finished here and not noted as stored; what is noted and should not be here any more is freed on the way.
void StoreUploads::Impl::Scan() {
  namespace fs = std::filesystem;
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(options.directory, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    if (!IsWarcFileName(name)) continue;
    if (!IsThere(it->path().string() + std::string(kStoredSuffix))) {
      names.push_back(std::move(name));
    } else if (options.free) {
      Free(name);
    }
  }
  if (error) Tell(fmt::format("cannot list {}: {}", options.directory, error.message()));
  std::sort(names.begin(), names.end());
  MutexLock lock(mutex);
  for (const std::string& name : names) {
    if (!stored_since.contains(name)) Enqueue(name);
  }
}

bool StoreUploads::Impl::Take(std::string& name, bool& last) {
  while (true) {
    {
      MutexLock lock(mutex);
      while (!stopping && queue.empty() && (!look_again || looking)) changed.Wait(mutex);
      if (stopping) return false;
      if (!queue.empty()) {
        name = std::move(queue.front());
        queue.pop_front();
        last = finishing;
        return true;
      }
      look_again = false;
      looking = true;
      stored_since.clear();
    }
    Scan();
    MutexLock lock(mutex);
    looking = false;
  }
}

absl::Status StoreUploads::Impl::StoreOne(ObjectStore& store, const std::string& name, ObjectDigest& digest) {
  if (!IsThere(fmt::format("{}/{}", options.directory, name))) return Internal("it is not there any more");
  const auto sent = StoreWithIndex(store, options.store, options.directory, name, digest);
  if (!sent.ok()) return sent.status();
  if (!options.free) return absl::OkStatus();
  // It is stored; that it is still here too is no reason to store it again.
  Free(name);
  return absl::OkStatus();
}

void StoreUploads::Impl::SetTrouble(const std::string& now) {
  if (trouble.empty() == now.empty()) return;
  trouble = now;
  if (now.empty()) {
    Tell(fmt::format("the store {} takes files again", options.store.url));
  } else {
    Tell(fmt::format("files cannot be stored in {}: {}; they wait here and are tried again, the crawl goes on", options.store.url, now));
  }
  const absl::Status written = WriteStoreState(options.directory, {options.store, options.free, now});
  if (!written.ok()) Tell(ErrorText(written));
}

void StoreUploads::Impl::Ended(const std::string& name, const absl::Status& status, uint64_t bytes, bool last) {
  MutexLock lock(mutex);
  known.erase(name);
  if (status.ok()) {
    if (looking) stored_since.insert(name);
    ++stored;
    stored_bytes += bytes;
    unanswered = 0;
    SetTrouble("");
  } else if (IsOfTheStore(status) && !last) {
    known.insert(name);
    queue.push_back(name);  // behind the others, over the bound by one a thread at most
    SetTrouble(ErrorText(status));
  } else if (!absl::IsCancelled(status)) {
    failed.insert(name);
    last_error = fmt::format("{}: {}", name, ErrorText(status));
    if (IsOfTheStore(status)) {
      SetTrouble(ErrorText(status));
      ++unanswered;
    }
    Tell(fmt::format("{} is not stored: {}", name, ErrorText(status)));
  }
  if (unanswered >= kMostUnanswered) {
    for (const std::string& waiting : queue) {
      known.erase(waiting);
      failed.insert(waiting);
    }
    queue.clear();
  }
  changed.NotifyAll();
}

void StoreUploads::Impl::PauseWhileAway() {
  MutexLock lock(mutex);
  if (!stopping && !finishing && !trouble.empty()) changed.WaitFor(mutex, options.away);
}

void StoreUploads::Impl::RunThread(int index) {
  pthread_setname_np(pthread_self(), fmt::format("store/{}", index).c_str());
  const std::unique_ptr<Random> random = SystemRandom();
  std::unique_ptr<ObjectStore> store;
  std::string name;
  bool last = false;
  while (Take(name, last)) {
    ObjectDigest digest;
    absl::Status status;
    if (store == nullptr) {
      auto made = make(wait, *random);
      status = made.status();
      if (made.ok()) store = *std::move(made);
    }
    if (status.ok()) status = StoreOne(*store, name, digest);
    // Keys may have been changed meanwhile: they are read again.
    if (!status.ok()) store = nullptr;
    Ended(name, status, digest.bytes, last);
    if (IsOfTheStore(status)) PauseWhileAway();
  }
}

StoreUploads::StoreUploads(const StoreUploadsOptions& options, MakeStore make, std::function<void(const std::string&)> tell)
    : impl_(std::make_unique<Impl>(options, std::move(make), std::move(tell))) {}

StoreUploads::~StoreUploads() {
  impl_->wait.Stop();
  {
    MutexLock lock(impl_->mutex);
    impl_->stopping = true;
    impl_->changed.NotifyAll();
  }
  for (std::thread& thread : impl_->threads) thread.join();
}

void StoreUploads::Begin() {
  const absl::Status written = WriteStoreState(impl_->options.directory, {impl_->options.store, impl_->options.free, ""});
  if (!written.ok()) impl_->Tell(ErrorText(written));
  // Before anything is stored by this object: afterwards it is counted on. Where this fails, looking through fails too and says why.
  const auto before = TallyStored(options().directory);
  {
    MutexLock lock(impl_->mutex);
    if (before.ok()) impl_->before = *before;
    impl_->look_again = true;
  }
  for (int i = 0; i < impl_->options.threads; ++i) {
    impl_->threads.emplace_back([impl = impl_.get(), i] { impl->RunThread(i); });
  }
}

void StoreUploads::FileFinished(const std::string& name) {
  MutexLock lock(impl_->mutex);
  impl_->Enqueue(name);
}

void StoreUploads::Finish() {
  MutexLock lock(impl_->mutex);
  impl_->finishing = true;
  impl_->failed.clear();
  impl_->look_again = true;
  impl_->changed.NotifyAll();
}

const StoreUploadsOptions& StoreUploads::options() const { return impl_->options; }

StoreProgress StoreUploads::progress() const {
  const Impl& impl = *impl_;
  MutexLock lock(impl.mutex);
  StoreProgress now;
  now.stored = impl.stored;
  now.stored_bytes = impl.stored_bytes;
  now.waiting = impl.known.size();
  now.failed = impl.failed.size();
  now.stored_in_all = impl.before.stored + impl.stored;
  now.stored_bytes_in_all = impl.before.stored_bytes + impl.stored_bytes;
  now.freed_in_all = impl.before.freed + impl.freed;
  now.trouble = impl.trouble;
  now.last_error = impl.last_error;
  now.idle = impl.known.empty() && !impl.look_again && !impl.looking;
  return now;
}

}  // namespace weft
