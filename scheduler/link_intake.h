// Turns links that parsers found, redirect targets and seeds into candidates for the ledger: parsed, placed on their
// shard, judged by scope and limits. Nothing that a node sends is trusted to be a URL.
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/key_rules.h"
#include "common/registrable_domain.h"
#include "common/url.h"
#include "common/wire.pb.h"
#include "scheduler/scope.h"
#include "storage/crawl_db.h"

namespace weft {

class LinkIntake {
 public:
  LinkIntake(const wire::CrawlIdentity& identity, std::shared_ptr<const PublicSuffixes> suffixes, const Scope& scope);

  void set_settings(const wire::CrawlSettings& settings) { settings_ = settings; }

  // A link found on the page of `source` (depth one more; a sitemap named by a sitemap keeps its depth). nullopt: not an
  // http URL, or not a URL at all.
  std::optional<Candidate> FromLink(const wire::Link& link, const wire::UrlTicket& source);
  // A redirect target: it keeps its source's depth, and stands where its source stood for the user.
  std::optional<Candidate> FromRedirect(const wire::Link& link, const wire::UrlTicket& source,
                                        const Fingerprint& referrer, uint16_t referrer_shard);
  Candidate FromSeed(const Url& url);
  // A sitemap that robots.txt names; it has the depth of the URL for which robots.txt was asked. nullopt also where
  // nothing that it could name would be near enough.
  std::optional<Candidate> FromRobots(const std::string& text, const wire::UrlTicket& asked_for);
  // A sitemap that the user names: fetched wherever it lies, like a seed, but no anchor of the scope.
  std::optional<Candidate> FromGivenSitemap(const std::string& text);
  // What scope and limits say of a URL that is in the ledger already.
  Outcome Judge(const UrlRecord& record);
  Fingerprint KeyOf(const Url& url);

 private:
  struct HostPlace {
    std::string registrable_domain;
    uint16_t shard = 0;
  };
  const HostPlace& PlaceOf(std::string_view host);
  std::optional<Candidate> Make(const std::string& text);

  Fingerprinter fingerprinter_;
  KeyOptions keys_;
  std::shared_ptr<const PublicSuffixes> suffixes_;  // shared: one immutable list per process
  const Scope& scope_;
  wire::CrawlSettings settings_;
  absl::flat_hash_map<std::string, HostPlace> places_;  // bounded, emptied when full
  std::string key_;                                     // and of the key that is made
};

}  // namespace weft
