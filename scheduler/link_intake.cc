#include "scheduler/link_intake.h"

#include <algorithm>
#include <utility>

#include "common/link_kind.h"
#include "common/sitemap_choice.h"

namespace weft {
namespace {

constexpr size_t kMaxPlaces = 200'000;

}  // namespace

LinkIntake::LinkIntake(const wire::CrawlIdentity& identity, std::shared_ptr<const PublicSuffixes> suffixes,
                       const Scope& scope)
    : fingerprinter_(identity.fingerprint_seed()), keys_(KeyOptionsOf(identity.keys())),
      suffixes_(std::move(suffixes)), scope_(scope) {}

const LinkIntake::HostPlace& LinkIntake::PlaceOf(std::string_view host) {
  auto it = places_.find(absl::string_view(host.data(), host.size()));
  if (it != places_.end()) return it->second;
  if (places_.size() >= kMaxPlaces) places_.clear();
  HostPlace place;
  place.registrable_domain = suffixes_->RegistrableDomain(host);
  place.shard = ShardOf(place.registrable_domain);
  return places_.emplace(std::string(host), std::move(place)).first->second;
}

Fingerprint LinkIntake::KeyOf(const Url& url) {
  MakeCrawlKey(url, keys_, key_);
  return fingerprinter_.Of(key_);
}

// Sixty times a page: every path returns the one object, which is then made in the caller's place.
std::optional<Candidate> LinkIntake::Make(const std::string& text) {
  std::optional<Candidate> made;
  auto url = Url::Parse(text);
  if (!url.ok() || !url->is_http() || url->host().empty()) return made;
  const HostPlace& place = PlaceOf(url->host());
  Candidate& candidate = made.emplace();
  candidate.key = KeyOf(*url);
  candidate.shard = place.shard;
  candidate.refused = scope_.Judge({url->href(), url->host(), place.registrable_domain});
  candidate.SetUrl(*std::move(url));
  return made;
}

std::optional<Candidate> LinkIntake::FromLink(const wire::Link& link, const wire::UrlTicket& source) {
  std::optional<Candidate> candidate = Make(link.url());
  if (!candidate) return candidate;
  candidate->depth = source.depth() + 1;
  candidate->lastmod_s = static_cast<uint64_t>(std::max<int64_t>(0, link.lastmod_us()) / 1'000'000);
  if (static_cast<LinkKind>(link.kind()) == LinkKind::kSitemap && SitemapsAreRead(settings_)) {
    candidate->sitemap_level = source.sitemap_level() + 1;
    if (source.sitemap_level() > 0) candidate->depth = source.depth();
    if (candidate->sitemap_level > kMaxSitemapLevels) candidate->refused = Outcome::kDepth;
  }
  candidate->referrer = Fingerprint::FromBytes(source.key());
  candidate->referrer_shard = static_cast<uint16_t>(source.shard());
  if (candidate->refused == Outcome::kNone && settings_.has_max_depth() && candidate->depth > settings_.max_depth()) {
    candidate->refused = Outcome::kDepth;
  }
  return candidate;
}

std::optional<Candidate> LinkIntake::FromRedirect(const wire::Link& link, const wire::UrlTicket& source,
                                                  const Fingerprint& referrer, uint16_t referrer_shard) {
  std::optional<Candidate> candidate = Make(link.url());
  if (!candidate) return std::nullopt;
  candidate->depth = source.depth();
  candidate->redirect_hops = source.redirect_hops() + 1;
  candidate->seed = source.seed();
  candidate->sitemap_level = source.sitemap_level();
  candidate->referrer = referrer.empty() ? Fingerprint::FromBytes(source.key()) : referrer;
  candidate->referrer_shard = referrer.empty() ? static_cast<uint16_t>(source.shard()) : referrer_shard;
  if (candidate->redirect_hops > kMaxRedirectHops) candidate->refused = Outcome::kRedirectHops;
  return candidate;
}

std::optional<Candidate> LinkIntake::FromRobots(const std::string& text, const wire::UrlTicket& asked_for) {
  if (!SitemapsFromRobots(settings_)) return std::nullopt;
  if (settings_.has_max_depth() && asked_for.depth() >= settings_.max_depth()) return std::nullopt;
  std::optional<Candidate> candidate = Make(text);
  if (!candidate) return std::nullopt;
  candidate->depth = asked_for.depth();
  candidate->sitemap_level = 1;
  return candidate;
}

std::optional<Candidate> LinkIntake::FromGivenSitemap(const std::string& text) {
  std::optional<Candidate> candidate = Make(text);
  if (!candidate) return std::nullopt;
  candidate->sitemap_level = 1;
  candidate->refused = scope_.JudgeSeed(candidate->url);
  return candidate;
}

Outcome LinkIntake::Judge(const UrlRecord& record) {
  std::optional<Candidate> candidate = Make(record.url);
  if (!candidate) return Outcome::kScheme;
  if (record.seed) return scope_.JudgeSeed(record.url);
  if (candidate->refused != Outcome::kNone) return candidate->refused;
  bool deep = settings_.has_max_depth() && record.depth > settings_.max_depth();
  return deep ? Outcome::kDepth : Outcome::kNone;
}

Candidate LinkIntake::FromSeed(const Url& url) {
  const HostPlace& place = PlaceOf(url.host());
  Candidate candidate;
  candidate.key = KeyOf(url);
  candidate.SetUrl(url);
  candidate.shard = place.shard;
  candidate.seed = true;
  candidate.refused = scope_.JudgeSeed(url.href());
  return candidate;
}

}  // namespace weft
