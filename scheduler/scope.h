// Which URLs belong to the crawl. One scope, held by the scheduler and versioned with the settings: nodes do not judge.
// A URL is in scope if --scope admits it (by one of the anchors: the seeds, and the hosts they redirect to) or an
// --include matches; an --exclude match removes it; seeds themselves are always in.
// Thread rule: one thread.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/outcome.h"
#include "common/registrable_domain.h"
#include "common/url.h"
#include "common/wire.pb.h"

namespace weft {

class Scope {
 public:
  // InvalidArgument names the pattern or the scope that cannot be used.
  static absl::StatusOr<std::unique_ptr<Scope>> Make(const wire::CrawlSettings& settings,
                                                     std::shared_ptr<const PublicSuffixes> suffixes);
  ~Scope();

  // Makes what lies around a seed part of the scope. False: it already was.
  bool AddAnchor(const Url& seed);

  struct Place {
    std::string_view href;
    std::string_view host;
    std::string_view registrable_domain;
  };
  // kNone: in scope. Otherwise kExcluded, kPrefix (--scope prefix) or kScope.
  Outcome Judge(const Place& place) const;
  // --exclude and length hold for seeds too; --scope does not.
  Outcome JudgeSeed(std::string_view href) const;
  // Seeds' hosts, and hosts they redirected to: --header is sent to these.
  bool IsAnchorHost(std::string_view host) const;

 private:
  enum class Kind { kHost, kDomain, kPrefix, kAny };
  struct Patterns;
  Scope();
  bool UnderPrefix(std::string_view href) const;

  Kind kind_ = Kind::kHost;
  size_t max_url_bytes_ = kMaxUrlBytes;
  std::shared_ptr<const PublicSuffixes> suffixes_;  // shared: one immutable list per process
  std::unique_ptr<Patterns> patterns_;
  absl::flat_hash_set<std::string> hosts_;
  absl::flat_hash_set<std::string> domains_;
  absl::flat_hash_set<std::string> prefixes_;  // each ends with "/"
};

}  // namespace weft
