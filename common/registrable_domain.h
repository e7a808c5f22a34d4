// Registrable domains (eTLD+1) by the Public Suffix List. Immutable after loading: any thread.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace weft {

class PublicSuffixes {
 public:
  // The list built into libpsl, or the newer `file` if given.
  static absl::StatusOr<std::shared_ptr<const PublicSuffixes>> Load(const std::string& file = "");
  ~PublicSuffixes();

  // "example.co.uk" for "www.example.co.uk". The host itself where it has no registrable domain: an IP address, a
  // single label, a public suffix. `host` is a serialised host of a Url; a trailing dot is ignored.
  std::string RegistrableDomain(std::string_view host) const;
  // The same, but nothing where the host has none.
  std::optional<std::string> FindRegistrableDomain(std::string_view host) const;
  // Names the list in force, to be stored with a crawl (nodes of one crawl must agree): a hash, or libpsl's version.
  const std::string& version() const { return version_; }

 private:
  PublicSuffixes() = default;
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::string version_;
};

}  // namespace weft
