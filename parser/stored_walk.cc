#include "parser/stored_walk.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <tuple>
#include <utility>

namespace weft {
namespace {

constexpr size_t kBatchPages = 32;
constexpr size_t kBatchBytes = 4 << 20;

// Exchanges of the fetchers' own: they are no results. A page there that somebody linked is fetched again.
bool IsRobots(std::string_view url) {
  const size_t host = url.find("://");
  const size_t path = host == std::string_view::npos ? host : url.find('/', host + 3);
  return path != std::string_view::npos && url.substr(path) == "/robots.txt";
}

}  // namespace

StoredWalk::StoredWalk(std::unique_ptr<StoredPages> pages, WorkPool& pool)
    : pool_(pool), source_(std::make_shared<Source>()), read_(std::make_shared<Read>()) {
  source_->pages = std::move(pages);
}

void StoredWalk::ReadBatch(Source& source) {
  size_t bytes = 0;
  while (source.batch.size() < kBatchPages && bytes < kBatchBytes) {
    if (source.again && source.next_place == source.places.size()) {
      source.end = true;
      return;
    }
    auto page = source.again ? source.pages->ReadAt(source.places[source.next_place++].place) : source.pages->Next();
    if (absl::IsNotFound(page.status()) && !source.again) {
      source.end = true;
      return;
    }
    if (!page.ok()) {
      ++source.damaged;
      return;  // a turn's worth: damage may be read through for long
    }
    if (IsRobots(page->url)) continue;
    bytes += page->response.size();
    source.batch.push_back(*std::move(page));
  }
}

void StoredWalk::Poke() {
  if (over_ || read_->running) return;
  if (read_->end && read_->pages.empty() && unanswered_.empty()) BeginRound();
  if (over_ || read_->end || read_->pages.size() >= kBatchPages) return;
  auto work = [source = source_] { ReadBatch(*source); };
  auto done = [source = source_, read = read_] {
    std::move(source->batch.begin(), source->batch.end(), std::back_inserter(read->pages));
    source->batch.clear();
    read->damaged = source->damaged;
    read->end = source->end;
    read->running = false;
  };
  read_->running = pool_.Submit(std::move(work), std::move(done));  // full: tried again at the next tick
}

void StoredWalk::BeginRound() {
  result_.set_unknown(result_.unknown() + unknown_.size());
  result_.set_damaged(read_->damaged);
  if (recorded_in_round_ == 0 || unknown_.empty()) {
    over_ = true;
    return;
  }
  result_.set_unknown(result_.unknown() - unknown_.size());
  // As they were fetched: whoever names a page comes before it, whichever file each lies in.
  std::sort(unknown_.begin(), unknown_.end(), [](const Place& a, const Place& b) {
    return std::tie(a.began, a.place.file, a.place.offset) < std::tie(b.began, b.place.file, b.place.offset);
  });
  source_->again = true;
  source_->places = std::exchange(unknown_, {});
  source_->next_place = 0;
  source_->end = read_->end = false;
  recorded_in_round_ = 0;
}

bool StoredWalk::Take(PageOnDisk& page, uint64_t& number) {
  if (!ready()) return false;
  page = std::move(read_->pages.front());
  read_->pages.pop_front();
  number = ++last_number_;
  unanswered_[number] = {page.place, page.began};
  return true;
}

void StoredWalk::Answer(const wire::StoredAck& answer) {
  for (uint64_t number : answer.recorded()) {
    if (unanswered_.erase(number) == 0) continue;
    ++recorded_in_round_;
    result_.set_recorded(result_.recorded() + 1);
  }
  for (uint64_t number : answer.passed()) unanswered_.erase(number);
  for (uint64_t number : answer.unknown()) {
    auto it = unanswered_.find(number);
    if (it == unanswered_.end()) continue;
    if (unknown_.size() < kMostUnknown) {
      unknown_.push_back(std::move(it->second));
    } else {
      result_.set_unknown(result_.unknown() + 1);
    }
    unanswered_.erase(it);
  }
}

}  // namespace weft
