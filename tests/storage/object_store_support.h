// What the tests of stores share: a wait that never waits, a server of which every answer is scripted, a store in memory that fails.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "common/status.h"
#include "storage/byte_source.h"
#include "storage/object_store.h"
#include "storage/store_http.h"

namespace weft::test {

// Pauses take no time, and are noted.
class NotedWait : public StoreWait {
 public:
  bool Pause(absl::Duration duration) override {
    pauses.push_back(duration);
    return !stop;
  }
  bool stopped() const override { return stop; }
  std::vector<absl::Duration> pauses;
  bool stop = false;
};

// "METHOD target [body]" of every request; answers by a function of it.
class ScriptedHttp : public StoreHttp {
 public:
  struct Sent {
    std::string method;
    std::string url;
    std::map<std::string, std::string> headers;
    std::string body;
  };
  using Answer = std::function<absl::StatusOr<StoreResponse>(const Sent& sent)>;
  ScriptedHttp(std::vector<Sent>& sent, Answer answer) : sent_(sent), answer_(std::move(answer)) {}

  absl::StatusOr<StoreResponse> Send(const StoreRequest& request) override {
    Sent sent{request.method, request.url, {request.headers.begin(), request.headers.end()}, ""};
    if (request.body != nullptr) {
      sent.body.resize(request.body_bytes);
      request.body->ReadAt(request.body_offset, sent.body.data(), sent.body.size());
    }
    sent_.push_back(sent);
    return answer_(sent);
  }

 private:
  std::vector<Sent>& sent_;
  Answer answer_;
};

inline StoreResponse Answered(int status, std::string body = "", std::map<std::string, std::string> headers = {}) {
  return StoreResponse{status, std::move(headers), std::move(body)};
}

// What several FakeStores, one a thread, hold together. Each Put first asks `before_put` for an error.
struct FakeObjects {
  Mutex mutex;
  std::map<std::string, ObjectDigest> held ABSL_GUARDED_BY(mutex);
  std::vector<std::string> puts ABSL_GUARDED_BY(mutex);
  std::function<absl::Status(const std::string& name)> before_put = [](const std::string&) { return absl::OkStatus(); };
};

class FakeStore : public ObjectStore {
 public:
  explicit FakeStore(FakeObjects& objects) : objects_(objects) {}
  std::string UrlOf(std::string_view name) const override { return "fake://" + std::string(name); }
  absl::StatusOr<bool> Put(const std::string& path, const std::string& name, const ObjectDigest& digest) override {
    WEFT_ASSIGN_OR_RETURN(const ObjectDigest here, DigestOfFile(path));
    if (!(here == digest)) return DataLoss("{}: not the digest of the file", path);
    WEFT_RETURN_IF_ERROR(objects_.before_put(name));
    MutexLock lock(objects_.mutex);
    objects_.puts.push_back(name);
    const auto [it, added] = objects_.held.emplace(name, digest);
    if (!(it->second == digest)) return absl::AlreadyExistsError("another object");
    return added;
  }
  absl::StatusOr<ObjectInfo> Head(const std::string&) override { return absl::UnimplementedError("not used"); }
  absl::Status List(const std::string&, absl::FunctionRef<absl::Status(const ObjectInfo&)>) override { return absl::OkStatus(); }
  absl::StatusOr<std::string> Get(const std::string&, uint64_t, uint64_t) override { return absl::UnimplementedError("not used"); }

 private:
  FakeObjects& objects_;
};

}  // namespace weft::test
