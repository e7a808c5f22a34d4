#include "fetcher/curl_tls.h"

#include <openssl/ssl.h>

#include <string_view>

namespace weft {

TlsSession ReadTlsSession(CURL* easy) {
  curl_tlssessioninfo* info = nullptr;
  const CURLcode code = curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info);
  // Another TLS library's object is not to be touched.
  if (code != CURLE_OK || info == nullptr || info->backend != CURLSSLBACKEND_OPENSSL || info->internals == nullptr) return {};
  const auto* ssl = static_cast<const SSL*>(info->internals);
  TlsSession session;
  const std::string_view version = SSL_get_version(ssl);  // "TLSv1.3"
  if (version.starts_with("TLSv")) session.version = "tls/" + std::string(version.substr(4));
  if (session.version == "tls/1") session.version = "tls/1.0";
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
  const char* name = cipher == nullptr ? nullptr : SSL_CIPHER_standard_name(cipher);
  if (name != nullptr) session.cipher_suite = name;
  return session;
}

}  // namespace weft
