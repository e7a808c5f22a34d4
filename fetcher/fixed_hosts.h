// Addresses given by the user (--resolve HOST:PORT:ADDRESS), which no name server is asked for.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/ip_address.h"

namespace weft {

class FixedHosts {
 public:
  // "HOST:PORT:ADDRESS[,ADDRESS...]". HOST or PORT may be "*"; an IPv6 address as HOST stands in brackets, as ADDRESS
  // it may. InvalidArgument says which entry is wrong and why.
  static absl::StatusOr<FixedHosts> Parse(const std::vector<std::string>& entries);

  // The addresses of the first entry that matches; null if none does. "*" does not match a literal address: that is
  // its own answer.
  const std::vector<IpAddress>* Find(std::string_view host, uint16_t port, bool host_is_literal) const;

 private:
  struct Entry {
    std::string host;   // lower case; "*" for any
    uint16_t port = 0;  // 0 for any
    std::vector<IpAddress> addresses;
  };
  static absl::StatusOr<Entry> ParseEntry(std::string_view text);

  std::vector<Entry> entries_;
};

}  // namespace weft
