#include "scheduler/scope.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>

#include "common/status.h"

namespace weft {
namespace {

absl::StatusOr<std::unique_ptr<re2::RE2::Set>> Compile(
    const google::protobuf::RepeatedPtrField<std::string>& patterns, std::string_view flag) {
  if (patterns.empty()) return std::unique_ptr<re2::RE2::Set>();
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto set = std::make_unique<re2::RE2::Set>(options, re2::RE2::UNANCHORED);
  for (const std::string& pattern : patterns) {
    std::string error;
    if (set->Add(pattern, &error) < 0) {
      return InvalidArgument("--{} '{}': not a valid RE2 pattern: {}", flag, pattern, error);
    }
  }
  if (!set->Compile()) return InvalidArgument("--{}: the patterns need too much memory together", flag);
  return set;
}

// The seed up to its last "/" of the path: what --scope prefix admits.
std::string PrefixOf(const Url& url) {
  std::string_view path = url.path();
  size_t slash = path.rfind('/');
  return url.origin() + std::string(path.substr(0, slash == std::string_view::npos ? 0 : slash + 1));
}

}  // namespace

struct Scope::Patterns {
  std::unique_ptr<re2::RE2::Set> include;
  std::unique_ptr<re2::RE2::Set> exclude;

  static bool Matches(const std::unique_ptr<re2::RE2::Set>& set, std::string_view text) {
    return set != nullptr && set->Match(re2::StringPiece(text.data(), text.size()), nullptr);
  }
};

Scope::Scope() : patterns_(std::make_unique<Patterns>()) {}
Scope::~Scope() = default;

absl::StatusOr<std::unique_ptr<Scope>> Scope::Make(const wire::CrawlSettings& settings,
                                                   std::shared_ptr<const PublicSuffixes> suffixes) {
  std::unique_ptr<Scope> scope(new Scope());
  scope->suffixes_ = std::move(suffixes);
  if (settings.max_url_bytes() > 0) scope->max_url_bytes_ = std::min<uint64_t>(settings.max_url_bytes(), kMaxUrlBytes);
  const std::string& kind = settings.scope();
  if (kind.empty() || kind == "host") {
    scope->kind_ = Kind::kHost;
  } else if (kind == "domain") {
    scope->kind_ = Kind::kDomain;
  } else if (kind == "prefix") {
    scope->kind_ = Kind::kPrefix;
  } else if (kind == "any") {
    scope->kind_ = Kind::kAny;
  } else {
    return InvalidArgument("--scope '{}': expected host, domain, prefix or any", kind);
  }
  WEFT_ASSIGN_OR_RETURN(scope->patterns_->include, Compile(settings.include(), "include"));
  WEFT_ASSIGN_OR_RETURN(scope->patterns_->exclude, Compile(settings.exclude(), "exclude"));
  return scope;
}

bool Scope::AddAnchor(const Url& seed) {
  bool is_new = hosts_.insert(std::string(seed.host())).second;
  if (kind_ == Kind::kDomain) domains_.insert(suffixes_->RegistrableDomain(seed.host()));
  if (kind_ == Kind::kPrefix && prefixes_.insert(PrefixOf(seed)).second) is_new = true;
  return is_new;
}

Outcome Scope::JudgeSeed(std::string_view href) const {
  if (href.size() > max_url_bytes_) return Outcome::kUrlTooLong;
  if (Patterns::Matches(patterns_->exclude, href)) return Outcome::kExcluded;
  return Outcome::kNone;
}

Outcome Scope::Judge(const Place& place) const {
  Outcome seed_rules = JudgeSeed(place.href);
  if (seed_rules != Outcome::kNone) return seed_rules;
  Outcome refused = Outcome::kNone;
  switch (kind_) {
    case Kind::kAny:
      return Outcome::kNone;
    case Kind::kHost:
      if (!hosts_.contains(std::string(place.host))) refused = Outcome::kScope;
      break;
    case Kind::kDomain:
      if (!domains_.contains(std::string(place.registrable_domain))) refused = Outcome::kScope;
      break;
    case Kind::kPrefix:
      if (!UnderPrefix(place.href)) {
        refused = hosts_.contains(std::string(place.host)) ? Outcome::kPrefix : Outcome::kScope;
      }
      break;
  }
  if (refused != Outcome::kNone && Patterns::Matches(patterns_->include, place.href)) return Outcome::kNone;
  return refused;
}

// One look-up for each "/" of the path: prefixes end with one.
bool Scope::UnderPrefix(std::string_view href) const {
  size_t scheme = href.find("://");
  if (scheme == std::string_view::npos) return false;
  for (size_t slash = href.find('/', scheme + 3); slash != std::string_view::npos; slash = href.find('/', slash + 1)) {
    if (prefixes_.contains(std::string(href.substr(0, slash + 1)))) return true;
  }
  return false;
}

bool Scope::IsAnchorHost(std::string_view host) const { return hosts_.contains(std::string(host)); }

}  // namespace weft
