#include "fetcher/curl_transfer.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "common/ascii.h"
#include "common/proxy_url.h"

namespace weft {
namespace {

constexpr long kReceiveBuffer = 64 * 1024;
constexpr long kKeepIdleSeconds = 60;
constexpr std::string_view kAccept = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
constexpr std::string_view kAcceptEncoding = "Accept-Encoding: gzip, deflate, br, zstd";

void Append(CurlList& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) std::abort();  // out of memory
  (void)list.release();
  list.reset(longer);
}

// A line break in a value would let whoever supplied it write requests of his own.
bool IsOneLine(std::string_view header) {
  return std::none_of(header.begin(), header.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

std::string Bracketed(const IpAddress& address) {
  return address.is_v4() ? address.ToString() : "[" + address.ToString() + "]";
}

// The status of a head's first line, 0 if it has none.
int StatusOf(std::string_view head) {
  const size_t blank = head.find(' ');
  if (blank == std::string_view::npos || blank + 4 > head.size()) return 0;
  int status = 0;
  for (const char c : head.substr(blank + 1, 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return status;
}

// Of a request to a proxy: its password is not the archive's.
std::string WithoutCredentials(std::string_view head) {
  std::string kept;
  while (!head.empty()) {
    const size_t end = std::min(head.find('\n'), head.size() - 1) + 1;
    const std::string_view line = head.substr(0, end);
    if (!EqualIgnoringCase(line.substr(0, line.find(':')), "proxy-authorization")) kept += line;
    head.remove_prefix(end);
  }
  return kept;
}

}  // namespace

template <typename T>
void CurlTransfer::Set(CURLoption option, T value) {
  const CURLcode code = curl_easy_setopt(easy_, option, value);
  // An option that this libcurl does not know would silently switch off a guard.
  if (code != CURLE_OK) {
    fmt::print(stderr, "libcurl refuses option {}: {}\n", static_cast<int>(option), curl_easy_strerror(code));
    std::abort();
  }
}

CurlTransfer::CurlTransfer(const CurlTransportOptions& options, const Clock& clock, const bool& aborting)
    : options_(options), clock_(clock), aborting_(aborting), easy_(curl_easy_init()) {
  if (easy_ == nullptr) std::abort();
  Append(common_headers_, std::string(kAccept));
  Append(common_headers_, std::string(kAcceptEncoding));
  SetProtocol();
  SetLimits();
  SetCallbacks();
}

CurlTransfer::~CurlTransfer() { curl_easy_cleanup(easy_); }

void CurlTransfer::SetProtocol() {
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_PROTOCOLS_STR, "http,https");
  Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(CURLOPT_HTTP09_ALLOWED, 0L);
  Set(CURLOPT_FOLLOWLOCATION, 0L);
  Set(CURLOPT_PATH_AS_IS, 1L);
  Set(CURLOPT_HTTP_TRANSFER_DECODING, 0L);
  Set(CURLOPT_HTTP_CONTENT_DECODING, 0L);
  Set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  Set(CURLOPT_NOPROXY, "");  // else the environment's no_proxy is read
  Set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  Set(CURLOPT_USERAGENT, options_.user_agent.c_str());
  Set(CURLOPT_SSL_VERIFYPEER, 1L);
  Set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options_.ca_file.empty()) Set(CURLOPT_CAINFO, options_.ca_file.c_str());
  // Debian's default folder of certificates keeps libcurl from caching the parsed bundle, which then is read for
  // every connection.
  Set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
}

void CurlTransfer::SetLimits() {
  Set(CURLOPT_CONNECTTIMEOUT_MS, std::max(1L, static_cast<long>(absl::ToInt64Milliseconds(options_.connect_timeout))));
  // The total limit is the transport's timer, which stands still while a sink pauses. This only backs it: less than a
  // byte a second over the whole limit.
  Set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  Set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(absl::ToInt64Seconds(options_.timeout)) + 1);
  Set(CURLOPT_MAXAGE_CONN, kKeepIdleSeconds);
  Set(CURLOPT_BUFFERSIZE, kReceiveBuffer);
  // Literal addresses alone are "resolved"; a kept entry is only walked over after every download.
  Set(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
}

void CurlTransfer::SetCallbacks() {
  Set(CURLOPT_PRIVATE, this);
  Set(CURLOPT_ERRORBUFFER, error_.data());
  Set(CURLOPT_HEADERFUNCTION, &OnHeader);
  Set(CURLOPT_HEADERDATA, this);
  Set(CURLOPT_WRITEFUNCTION, &OnBody);
  Set(CURLOPT_WRITEDATA, this);
  // The only way to the request as it was sent.
  Set(CURLOPT_VERBOSE, 1L);
  Set(CURLOPT_DEBUGFUNCTION, &OnDebug);
  Set(CURLOPT_DEBUGDATA, this);
  Set(CURLOPT_OPENSOCKETFUNCTION, &OnOpenSocket);
  Set(CURLOPT_OPENSOCKETDATA, this);
  Set(CURLOPT_CLOSESOCKETFUNCTION, &OnCloseSocket);
  Set(CURLOPT_CLOSESOCKETDATA, const_cast<bool*>(&aborting_));
  Set(CURLOPT_PREREQFUNCTION, &OnBeforeRequest);
  Set(CURLOPT_PREREQDATA, this);
}

void CurlTransfer::Prepare(Transport::Handle handle, const FetchRequest& request, FetchSink* sink) {
  handle_ = handle;
  sink_ = sink;
  address_ = request.address;
  host_ = std::string(request.url.host());
  source_ = nullptr;
  port_ = request.url.port();
  max_body_ = request.max_body;
  start_by_ = request.start_by;
  https_ = request.url.scheme() == "https";  // else TLS is a proxy's
  PrepareAgain();
  SetTarget(request);
  SetHeaders(request);
}

void CurlTransfer::PrepareAgain() {
  began_wall_ = clock_.WallNow();
  began_steady_ = clock_.SteadyNow();
  stop_ = Stop::kNone;
  local_error_ = 0;
  paused_ = false;
  tls_began_ = false;
  tls_ = {};
  request_head_.clear();
  response_head_.clear();
  head_complete_ = false;
  header_bytes_ = 0;
  header_fields_ = 0;
  body_bytes_ = 0;
  error_[0] = '\0';
}

void CurlTransfer::SetTarget(const FetchRequest& request) {
  if (!proxy_set_ || proxy_ != request.proxy) Set(CURLOPT_PROXY, request.proxy.c_str());  // "": not the environment's either
  proxy_set_ = true;
  proxy_ = request.proxy;
  if (!proxy_.empty()) {
    Set(CURLOPT_CONNECT_TO, static_cast<curl_slist*>(nullptr));
    Set(CURLOPT_REQUEST_TARGET, static_cast<char*>(nullptr));
    Set(CURLOPT_URL, request.url.request_target_url().c_str());
    return;
  }
  // CONNECT_TO, unlike RESOLVE, is part of what a kept connection is matched by: host names that share an address stay
  // apart, and so do the addresses of one name.
  curl_slist* fresh = curl_slist_append(nullptr, fmt::format("::{}:", Bracketed(address_)).c_str());
  if (fresh == nullptr) std::abort();
  Set(CURLOPT_CONNECT_TO, fresh);
  connect_to_.reset(fresh);  // the old one only now: the handle pointed to it
  // The target by itself: libcurl's own URL parser drops an empty query.
  Set(CURLOPT_URL, request.url.origin().c_str());
  Set(CURLOPT_REQUEST_TARGET, std::string(request.url.path_and_query()).c_str());
}

void CurlTransfer::SetHeaders(const FetchRequest& request) {
  CurlList list;
  if (!request.headers.empty()) {
    Append(list, std::string(kAccept));
    Append(list, std::string(kAcceptEncoding));
    for (const std::string& header : request.headers) {
      if (IsOneLine(header)) Append(list, header);
    }
  }
  Set(CURLOPT_HTTPHEADER, list ? list.get() : common_headers_.get());
  headers_ = std::move(list);
}

absl::Duration CurlTransfer::EndPause() {
  paused_ = false;
  return clock_.SteadyNow() - paused_since_;
}

bool CurlTransfer::TakeHeaderLine(std::string_view line) {
  header_bytes_ += line.size();
  ++header_fields_;
  if (header_bytes_ > options_.max_header_bytes || header_fields_ > kMaxHeaderFields + 2) {  // with status and end line
    stop_ = Stop::kHeadLimit;
    return false;
  }
  response_head_ += line;
  if (line != "\r\n" && line != "\n") return true;
  const int status = StatusOf(response_head_);
  if (status == 101) {
    stop_ = Stop::kSwitched;
    return false;
  }
  if (status >= 100 && status < 200) {
    response_head_.clear();  // interim (RFC 9110 15.2): the final one follows
  } else {
    head_complete_ = true;
    if (https_) tls_ = ReadTlsSession(easy_);  // libcurl shows it only while the connection is the transfer's
  }
  return true;
}

size_t CurlTransfer::OnHeader(char* data, size_t size, size_t count, void* self) {
  const std::string_view line(data, size * count);
  return static_cast<CurlTransfer*>(self)->TakeHeaderLine(line) ? line.size() : 0;
}

size_t CurlTransfer::OnBody(char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  if (transfer->stop_ != Stop::kNone) return 0;  // cancelled by its sink a moment ago
  const std::string_view all(data, size * count);
  const std::string_view bytes = all.substr(0, transfer->max_body_ - transfer->body_bytes_);
  FetchSink::Next next = FetchSink::Next::kContinue;
  if (!bytes.empty()) next = transfer->sink_->OnBody(bytes);
  if (next == FetchSink::Next::kPause && transfer->stop_ == Stop::kNone) {
    transfer->paused_ = true;
    transfer->paused_since_ = transfer->clock_.SteadyNow();
    return CURL_WRITEFUNC_PAUSE;
  }
  transfer->body_bytes_ += bytes.size();
  if (transfer->stop_ != Stop::kNone) return 0;
  if (next == FetchSink::Next::kContinue && bytes.size() == all.size()) return all.size();
  transfer->stop_ = Stop::kBodyLimit;
  return 0;
}

int CurlTransfer::OnDebug(CURL*, curl_infotype type, char* data, size_t size, void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  if (type == CURLINFO_SSL_DATA_OUT) transfer->tls_began_ = true;
  if (type != CURLINFO_HEADER_OUT) return 0;
  std::string& head = transfer->request_head_;
  const std::string_view bytes(data, size);
  if (bytes.starts_with("CONNECT ")) return 0;  // to the proxy
  // A second head: libcurl asks again on a new connection when a kept one turned out to be dead.
  if (head.ends_with("\r\n\r\n")) head.clear();
  head += bytes;
  return 0;
}

bool CurlTransfer::PeerAllowed(const IpAddress& peer) const {
  if (!proxy_.empty()) return true;  // the peer is the proxy, which the user chose
  return peer == address_ && AddressAllowed(peer, options_.allowed_private);
}

curl_socket_t CurlTransfer::OnOpenSocket(void* self, curlsocktype, curl_sockaddr* address) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  const absl::StatusOr<IpAddress> peer = IpAddress::FromSockaddr(&address->addr);
  if (!peer.ok() || !transfer->PeerAllowed(*peer)) {
    transfer->stop_ = Stop::kAddress;
    return CURL_SOCKET_BAD;
  }
  const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
  transfer->local_error_ = fd < 0 ? errno : 0;
  if (fd < 0 || transfer->source_ == nullptr || !transfer->proxy_.empty()) return fd < 0 ? CURL_SOCKET_BAD : fd;
  transfer->local_error_ = BindSource(fd, *transfer->source_);
  if (transfer->local_error_ == 0) return fd;
  close(fd);
  return CURL_SOCKET_BAD;
}

bool CurlTransfer::RanShort(CURLcode code) const {
  if (code == CURLE_OK || stop_ != Stop::kNone || !request_head_.empty()) return false;
  if (local_error_ == EMFILE || local_error_ == ENFILE || local_error_ == ENOBUFS || local_error_ == ENOMEM) return true;
  long os_error = 0;
  curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);
  if (local_error_ != EADDRNOTAVAIL && os_error != EADDRNOTAVAIL) return false;
  return !proxy_.empty() || HasSourceFor(address_, source_);
}

// Bytes that a bad network has not taken yet are sent on by the kernel after a close, for minutes: a request whose lease
// is over would reach the host while somebody else asks it (rule 16). A reset throws them away.
int CurlTransfer::OnCloseSocket(void* aborting, curl_socket_t socket) {
  if (*static_cast<const bool*>(aborting)) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  return close(socket);
}

int CurlTransfer::OnBeforeRequest(void* self, char* peer_text, char*, int, int) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  const absl::StatusOr<IpAddress> peer = IpAddress::Parse(peer_text);
  if (!peer.ok() || !transfer->PeerAllowed(*peer)) {
    transfer->stop_ = Stop::kAddress;
    return CURL_PREREQFUNC_ABORT;
  }
  if (transfer->clock_.SteadyNow() > transfer->start_by_) {
    transfer->stop_ = Stop::kStartBy;
    return CURL_PREREQFUNC_ABORT;
  }
  return CURL_PREREQFUNC_OK;
}

TransferEnd CurlTransfer::End(CURLcode code) const {
  TransferEnd end;
  end.code = code;
  end.stop = stop_;
  end.tls_began = tls_began_;
  end.sent = !request_head_.empty();
  end.head_complete = head_complete_;
  end.body_bytes = body_bytes_;
  end.message = error_.data();
  end.timeout = options_.timeout;
  end.connect_timeout = options_.connect_timeout;
  end.peer = proxy_.empty() ? fmt::format("{}:{}", Bracketed(address_), port_) : "the proxy " + MaskProxy(proxy_);
  if (code == CURLE_OK) return end;
  long os_error = 0;
  curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);
  end.os_error = local_error_ != 0 ? local_error_ : static_cast<int>(os_error);
  return end;
}

FetchResult CurlTransfer::Finish(CURLcode code) {
  FetchResult result;
  Conclude(End(code), result);
  if (head_complete_) {
    result.status = StatusOf(response_head_);
    result.response_head = std::move(response_head_);
  }
  result.request_head = proxy_.empty() ? std::move(request_head_) : WithoutCredentials(request_head_);
  if (proxy_.empty()) result.ip = address_.ToString();
  result.began_wall = began_wall_;
  result.ended_steady = clock_.SteadyNow();
  result.took = result.ended_steady - began_steady_;
  result.tls_version = std::move(tls_.version);
  result.cipher_suite = std::move(tls_.cipher_suite);
  sink_ = nullptr;
  return result;
}

}  // namespace weft
