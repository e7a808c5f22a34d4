// What a transfer's TLS connection was agreed on. Thread rule: the transport's loop.
#pragma once

#include <curl/curl.h>

#include <string>

namespace weft {

struct TlsSession {
  std::string version;        // "tls/1.3"; empty: no TLS
  std::string cipher_suite;   // as IANA names it: "TLS_AES_256_GCM_SHA384"
};

// Of the connection that `easy` uses just now: from within its callbacks.
TlsSession ReadTlsSession(CURL* easy);

}  // namespace weft
