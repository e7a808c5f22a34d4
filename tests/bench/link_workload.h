// A crawl's links, drawn from a seed: pages of 60 links, hosts by a power law, the popular pages of a host linked to most.
// Nothing but the number of URLs found on each host is kept, so that 100 million URLs cost no memory of their own.
#pragma once

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "common/random.h"
#include "storage/crawl_db.h"

namespace weft {

class LinkWorkload {
 public:
  static constexpr int kLinksOfPage = 60;

  LinkWorkload(uint64_t seed, uint64_t hosts)
      : random_(SeededRandom(seed)), fingerprinter_(random_->NextId()), found_(std::max<uint64_t>(100, hosts)) {}

  uint64_t found() const { return total_; }
  uint64_t hosts() const { return found_.size(); }
  uint64_t text_bytes() const { return text_bytes_; }

  // Appends the front pages of up to `limit` hosts that none is known of, from `host` on. Answers the host behind them.
  uint64_t AddFrontPages(uint64_t host, uint64_t limit, std::vector<Candidate>& links) {
    const uint64_t end = std::min(hosts(), host + limit);
    for (; host < end; ++host) {
      links.push_back(Link(host, 0));
      Found(host, links.back());
    }
    return host;
  }
  // Appends a page's links. `known_share` of them are known already.
  void AddPage(double known_share, std::vector<Candidate>& links) {
    const uint64_t own = Rank(found_.size());
    for (int i = 0; i < kLinksOfPage; ++i) {
      // Four of five links stay on the page's host.
      const uint64_t host = random_->Below(5) == 0 ? Rank(found_.size()) : own;
      const bool known = found_[host] > 0 && random_->Unit() < known_share;
      links.push_back(Link(host, known ? Rank(found_[host]) : found_[host]));
      if (known) continue;
      Found(host, links.back());
    }
  }

 private:
  void Found(uint64_t host, const Candidate& link) {
    ++found_[host];
    ++total_;
    text_bytes_ += link.url.size();
  }
  // 0..count-1; rank r with a chance of about 1/r.
  uint64_t Rank(uint64_t count) {
    const double rank = std::exp(random_->Unit() * std::log(static_cast<double>(count) + 1)) - 1;
    return std::min(count - 1, static_cast<uint64_t>(rank));
  }
  Candidate Link(uint64_t host, uint64_t page) {
    Candidate link;
    link.SetUrl(*Url::Parse(fmt::format("https://h{}.example/section-{}/article-{}.html", host, page / 100, page)));
    link.key = fingerprinter_.Of(link.url);
    link.shard = ShardOf(link.host());
    // Breadth first: what is found later lies deeper. One link of a hundred is nearer by one.
    link.depth = static_cast<uint32_t>(std::bit_width(total_)) - (random_->Below(100) == 0 && total_ > 1 ? 1 : 0);
    link.referrer = Fingerprint{host, page};
    return link;
  }

  std::unique_ptr<Random> random_;
  Fingerprinter fingerprinter_;
  std::vector<uint32_t> found_;   // by host
  uint64_t total_ = 0;
  uint64_t text_bytes_ = 0;
};

}  // namespace weft
