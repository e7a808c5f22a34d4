#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "common/ascii.h"
#include "common/status.h"
#include "storage/store_http.h"

namespace weft {
namespace {

constexpr size_t kMostAnswer = 256u << 20;
constexpr absl::Duration kConnect = absl::Seconds(15);

struct CurlListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

class CurlStoreHttp : public StoreHttp {
 public:
  CurlStoreHttp(absl::Duration timeout, StoreWait& wait) : timeout_(timeout), wait_(wait), easy_(curl_easy_init()) {
    if (easy_ == nullptr) std::abort();
  }
  ~CurlStoreHttp() override { curl_easy_cleanup(easy_); }

  absl::StatusOr<StoreResponse> Send(const StoreRequest& request) override;

 private:
  template <typename T>
  void Set(CURLoption option, T value) {
    // An option that this libcurl does not know would silently switch off a guard.
    if (curl_easy_setopt(easy_, option, value) != CURLE_OK) std::abort();
  }
  void SetGuards();
  void SetBody();
  absl::Status SetHeaders();

  static size_t OnRead(char* to, size_t size, size_t count, void* self);
  static int OnSeek(void* self, curl_off_t offset, int origin);
  static size_t OnHeader(char* line, size_t size, size_t count, void* self);
  static size_t OnBody(char* bytes, size_t size, size_t count, void* self);
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  absl::Duration timeout_;
  StoreWait& wait_;
  CURL* easy_;
  std::unique_ptr<curl_slist, CurlListFree> headers_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  const StoreRequest* request_ = nullptr;
  StoreResponse response_;
  uint64_t sent_ = 0;
  bool too_large_ = false;
};

void CurlStoreHttp::SetGuards() {
  curl_easy_reset(easy_);  // keeps connections
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_PROTOCOLS_STR, "http,https");
  Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(CURLOPT_HTTP09_ALLOWED, 0L);
  Set(CURLOPT_FOLLOWLOCATION, 0L);
  Set(CURLOPT_PATH_AS_IS, 1L);
  Set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  Set(CURLOPT_PROXY, "");
  Set(CURLOPT_NOPROXY, "");
  Set(CURLOPT_SSL_VERIFYPEER, 1L);
  Set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (const char* bundle = std::getenv("AWS_CA_BUNDLE"); bundle != nullptr && *bundle != 0) Set(CURLOPT_CAINFO, bundle);
  Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(std::min(kConnect, timeout_))));
  Set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  Set(CURLOPT_LOW_SPEED_TIME, std::max(1L, static_cast<long>(absl::ToInt64Seconds(timeout_))));
  Set(CURLOPT_ERRORBUFFER, error_.data());
  Set(CURLOPT_HEADERFUNCTION, &OnHeader);
  Set(CURLOPT_HEADERDATA, this);
  Set(CURLOPT_WRITEFUNCTION, &OnBody);
  Set(CURLOPT_WRITEDATA, this);
  Set(CURLOPT_NOPROGRESS, 0L);
  Set(CURLOPT_XFERINFOFUNCTION, &OnProgress);
  Set(CURLOPT_XFERINFODATA, this);
}

void CurlStoreHttp::SetBody() {
  const std::string& method = request_->method;
  if (method == "HEAD") return Set(CURLOPT_NOBODY, 1L);
  if (method == "PUT" || method == "POST") {
    Set(CURLOPT_UPLOAD, 1L);
    Set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_->body == nullptr ? 0 : request_->body_bytes));
    Set(CURLOPT_READFUNCTION, &OnRead);
    Set(CURLOPT_READDATA, this);
    Set(CURLOPT_SEEKFUNCTION, &OnSeek);
    Set(CURLOPT_SEEKDATA, this);
  }
  if (method != "GET") Set(CURLOPT_CUSTOMREQUEST, method.c_str());
}

absl::Status CurlStoreHttp::SetHeaders() {
  curl_slist* list = nullptr;
  // An answer to "Expect" is waited for; servers that know none cost a second each.
  for (const char* line : {"Expect:", "Accept: */*"}) list = curl_slist_append(list, line);
  for (const auto& [name, value] : request_->headers) {
    const std::string line = value.empty() ? name + ";" : fmt::format("{}: {}", name, value);
    if (line.find_first_of("\r\n") != std::string::npos) {
      curl_slist_free_all(list);
      return InvalidArgument("the header {} has a line end", name);
    }
    list = curl_slist_append(list, line.c_str());
  }
  headers_.reset(list);
  Set(CURLOPT_HTTPHEADER, list);
  return absl::OkStatus();
}

absl::StatusOr<StoreResponse> CurlStoreHttp::Send(const StoreRequest& request) {
  if (wait_.stopped()) return absl::CancelledError("stopped");
  request_ = &request;
  response_ = {};
  sent_ = 0;
  too_large_ = false;
  error_[0] = 0;
  SetGuards();
  Set(CURLOPT_URL, request.url.c_str());
  SetBody();
  WEFT_RETURN_IF_ERROR(SetHeaders());
  const CURLcode code = curl_easy_perform(easy_);
  if (too_large_) return ResourceExhausted("{} {}: an answer of more than {} MiB", request.method, request.url, kMostAnswer >> 20);
  if (code == CURLE_ABORTED_BY_CALLBACK && wait_.stopped()) return absl::CancelledError("stopped");
  if (code != CURLE_OK) return Unavailable("{}", error_[0] != 0 ? std::string_view(error_.data()) : curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  return std::move(response_);
}

size_t CurlStoreHttp::OnRead(char* to, size_t size, size_t count, void* self) {
  auto* http = static_cast<CurlStoreHttp*>(self);
  const StoreRequest& request = *http->request_;
  if (request.body == nullptr) return 0;
  const size_t want = static_cast<size_t>(std::min<uint64_t>(size * count, request.body_bytes - http->sent_));
  const size_t got = request.body->ReadAt(request.body_offset + http->sent_, to, want);
  http->sent_ += got;
  return got < want ? CURL_READFUNC_ABORT : got;  // the disk failed
}

int CurlStoreHttp::OnSeek(void* self, curl_off_t offset, int origin) {
  if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<CurlStoreHttp*>(self)->sent_ = static_cast<uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

size_t CurlStoreHttp::OnHeader(char* line, size_t size, size_t count, void* self) {
  auto* http = static_cast<CurlStoreHttp*>(self);
  const std::string_view text(line, size * count);
  if (text.starts_with("HTTP/")) http->response_.headers.clear();  // one after an interim answer
  if (const size_t colon = text.find(':'); colon != std::string_view::npos) {
    http->response_.headers[LowerAscii(text.substr(0, colon))] = std::string(TrimAsciiSpace(text.substr(colon + 1)));
  }
  return size * count;
}

size_t CurlStoreHttp::OnBody(char* bytes, size_t size, size_t count, void* self) {
  auto* http = static_cast<CurlStoreHttp*>(self);
  if (http->response_.body.size() + size * count > kMostAnswer) {
    http->too_large_ = true;
    return 0;
  }
  http->response_.body.append(bytes, size * count);
  return size * count;
}

int CurlStoreHttp::OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<CurlStoreHttp*>(self)->wait_.stopped() ? 1 : 0;
}

}  // namespace

std::unique_ptr<StoreHttp> NewCurlStoreHttp(absl::Duration timeout, StoreWait& wait) {
  // libcurl's own once-only set-up is thread-safe in this version (7.84 and later), and reference-counted.
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) std::abort();
  return std::make_unique<CurlStoreHttp>(timeout, wait);
}

}  // namespace weft
