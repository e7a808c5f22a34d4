#include "common/registrable_domain.h"

#include <libpsl.h>

#include <fstream>
#include <iterator>

#include "common/fingerprint.h"
#include "common/status.h"

namespace weft {
namespace {

// DNS ends at 253 octets; libpsl's own buffers are small, so longer names never reach it.
constexpr size_t kMaxDomainBytes = 253;

// A serialised host whose last label is a number is an IPv4 address (URL Standard 3.5).
bool IsIpAddress(std::string_view host) {
  const std::string_view last = host.substr(host.rfind('.') + 1);
  return host.starts_with('[') || (!last.empty() && last.find_first_not_of("0123456789") == std::string_view::npos);
}

}  // namespace

struct PublicSuffixes::Impl {
  explicit Impl(const psl_ctx_t* loaded) : list(loaded) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  // Does nothing for the built-in list. libpsl takes a non-const pointer to free it.
  ~Impl() { psl_free(const_cast<psl_ctx_t*>(list)); }

  const psl_ctx_t* list;
};

PublicSuffixes::~PublicSuffixes() = default;

absl::StatusOr<std::shared_ptr<const PublicSuffixes>> PublicSuffixes::Load(const std::string& file) {
  // Shared, since the parts of one process (scope, politeness, storage) keep it for their lifetimes.
  std::shared_ptr<PublicSuffixes> suffixes(new PublicSuffixes);
  if (file.empty()) {
    if (psl_builtin() == nullptr) return FailedPrecondition("libpsl was built without a public suffix list");
    suffixes->impl_ = std::make_unique<Impl>(psl_builtin());
    suffixes->version_ = fmt::format("libpsl:{}", psl_builtin_sha1sum());
    return suffixes;
  }
  std::ifstream in(file, std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in.good() && content.empty()) return NotFound("cannot read the public suffix list {}", file);
  psl_ctx_t* list = psl_load_file(file.c_str());
  if (list == nullptr) return InvalidArgument("{} is no public suffix list", file);
  suffixes->impl_ = std::make_unique<Impl>(list);
  if (psl_suffix_count(list) <= 0) return InvalidArgument("{} has no public suffixes", file);
  suffixes->version_ = fmt::format("xxh3:{}", Fingerprinter(0).Of(content).ToHex());
  return suffixes;
}

std::optional<std::string> PublicSuffixes::FindRegistrableDomain(std::string_view host) const {
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
  if (host.size() > kMaxDomainBytes || IsIpAddress(host)) return std::nullopt;
  const std::string name(host);
  const char* registrable = psl_registrable_domain(impl_->list, name.c_str());
  if (registrable == nullptr) return std::nullopt;
  return std::string(registrable);
}

std::string PublicSuffixes::RegistrableDomain(std::string_view host) const {
  if (std::optional<std::string> registrable = FindRegistrableDomain(host)) return *std::move(registrable);
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
  return std::string(host);
}

}  // namespace weft
