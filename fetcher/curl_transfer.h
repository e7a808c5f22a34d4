// One easy handle of libcurl and the download it carries. Handles are made once, with everything that never changes, and
// used for one download after another (setting some thirty options would cost more than a small page does).
// Private to CurlTransport. Thread rule: belongs to its transport's loop.
#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "common/clock.h"
#include "fetcher/curl_transport.h"
#include "fetcher/curl_tls.h"
#include "fetcher/transfer_end.h"

namespace weft {

inline constexpr int kMaxHeaderFields = 1000;

struct CurlListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlList = std::unique_ptr<curl_slist, CurlListDeleter>;

class CurlTransfer {
 public:
  // All outlive the transfer. `aborting`: connections that are closed now carry a request whose time is over.
  CurlTransfer(const CurlTransportOptions& options, const Clock& clock, const bool& aborting);
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  // Takes up a download; nothing is sent yet.
  void Prepare(Transport::Handle handle, const FetchRequest& request, FetchSink* sink);
  // The result of the download that ended with `code`. Called once, before the handle leaves the multi handle.
  FetchResult Finish(CURLcode code);

  void StopFor(Stop stop) { stop_ = stop; }
  Stop stop() const { return stop_; }
  bool paused() const { return paused_; }
  // The address that its socket is bound to; nullptr: the system chooses.
  void LeaveFrom(const IpAddress* source) { source_ = source; }
  const IpAddress& address() const { return address_; }
  const std::string& host() const { return host_; }
  absl::Time start_by() const { return start_by_; }
  // It failed with `code` for want of a local port or descriptor before anything was sent, and may be tried again.
  bool RanShort(CURLcode code) const;
  void PrepareAgain();
  // Ends the pause and answers how long it was.
  absl::Duration EndPause();

  CURL* easy() const { return easy_; }
  Transport::Handle handle() const { return handle_; }
  FetchSink* sink() const { return sink_; }

  // The transport's book-keeping.
  bool added = false;         // to the multi handle
  uint64_t timer = 0;         // of the total limit, 0 if none runs
  std::optional<size_t> place;  // that carries it, or is to
  bool carried = false;         // counted there
  absl::Time deadline;

 private:
  template <typename T>
  void Set(CURLoption option, T value);
  void SetProtocol();
  void SetLimits();
  void SetCallbacks();
  void SetTarget(const FetchRequest& request);
  void SetHeaders(const FetchRequest& request);

  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);
  static int OnDebug(CURL* easy, curl_infotype type, char* data, size_t size, void* self);
  static curl_socket_t OnOpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int OnCloseSocket(void* aborting, curl_socket_t socket);
  static int OnBeforeRequest(void* self, char* peer, char* local, int peer_port, int local_port);

  bool TakeHeaderLine(std::string_view line);
  bool PeerAllowed(const IpAddress& peer) const;
  TransferEnd End(CURLcode code) const;

  const CurlTransportOptions& options_;
  const Clock& clock_;
  const bool& aborting_;
  CURL* easy_;
  CurlList common_headers_;
  std::array<char, CURL_ERROR_SIZE> error_{};

  // The download.
  Transport::Handle handle_ = 0;
  FetchSink* sink_ = nullptr;
  std::string proxy_;         // and of the handle, from the download before
  bool proxy_set_ = false;
  IpAddress address_;
  std::string host_;
  const IpAddress* source_ = nullptr;
  int local_error_ = 0;       // errno, where a socket could not be made or bound
  uint16_t port_ = 0;
  uint64_t max_body_ = 0;
  absl::Time start_by_;
  CurlList connect_to_;
  CurlList headers_;
  absl::Time began_wall_;
  absl::Time began_steady_;
  Stop stop_ = Stop::kNone;
  bool paused_ = false;
  absl::Time paused_since_;
  bool tls_began_ = false;
  bool https_ = false;
  TlsSession tls_;
  std::string request_head_;
  std::string response_head_;
  bool head_complete_ = false;
  size_t header_bytes_ = 0;   // interim responses included
  int header_fields_ = 0;
  uint64_t body_bytes_ = 0;
};

}  // namespace weft
