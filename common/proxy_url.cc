#include "common/proxy_url.h"

#include <algorithm>
#include <array>

#include "common/status.h"
#include "common/url.h"

namespace weft {

absl::Status CheckProxy(std::string_view value) {
  constexpr std::array<std::string_view, 5> kSchemes = {"http", "https", "socks4a", "socks5", "socks5h"};
  const auto url = Url::Parse(value);
  if (!url.ok()) return InvalidArgument("'{}' is not a URL: {}", MaskProxy(value), ErrorText(url.status()));
  if (std::find(kSchemes.begin(), kSchemes.end(), url->scheme()) == kSchemes.end()) {
    return InvalidArgument("'{}': a proxy's URL begins with http, https, socks4a, socks5 or socks5h",
                           MaskProxy(value));
  }
  if (url->host().empty()) return InvalidArgument("'{}' names no host", MaskProxy(value));
  return absl::OkStatus();
}

std::string MaskProxy(std::string_view value) {
  const size_t scheme = value.find("://");
  const size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const size_t at = value.find('@', begin);
  if (at == std::string_view::npos) return std::string(value);
  return fmt::format("{}…{}", value.substr(0, begin), value.substr(value.rfind('@')));
}

}  // namespace weft
