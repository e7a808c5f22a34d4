// Takes WARC files from elsewhere into a pages directory, where their pages can be read by their place.
// First all are looked at, then each is taken: a revisit may name file and offset of a record in another of them.
// Thread rule: one thread.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/revisit_bodies.h"
#include "storage/warc_reader.h"

namespace weft {

class AtomicOutput;

struct AdoptedWarc {
  std::string name;          // below the directory; empty: it holds no response and was left out
  uint64_t responses = 0;    // pages, and what else was answered
  uint64_t damages = 0;
  bool rewritten = false;
  uint64_t made_whole = 0;   // (rewritten) revisits that are responses now, with the body that they named
  uint64_t bodiless = 0;     // (rewritten) revisits that stay so, as what they name is not there
};

class WarcAdoption {
 public:
  explicit WarcAdoption(std::string directory) : directory_(std::move(directory)) {}

  // Reads the file. `each` is told the URI of every response; an error of it is answered, and else only that of a file that cannot be opened:
  // such a file is not taken.
  absl::Status Look(const std::string& path, absl::FunctionRef<absl::Status(std::string_view uri)> each);

  // The files that were looked at, each once: linked, where both lie on one file system, else copied. Written anew, with a gzip member a
  // record, are zstd files, those with several records in a gzip member, and those whose revisits name a record that will not be where
  // they say: in these, such a revisit becomes the response that it stands for, also where its record is known by its id alone since the
  // file was renamed or packed anew. A name that is taken gets a number in front. `each` is told
  // what became of each; an error of it ends all. A file appears whole or not at all.
  absl::Status Take(absl::FunctionRef<absl::Status(const std::string& path, const absl::StatusOr<AdoptedWarc>&)> each);

 private:
  struct Looked {
    std::string path;
    bool gzip = false;
    bool rewrite = false;              // not every record can be read by its place, by a reader of plain and gzip files
    std::set<std::string> names;       // of the files that revisits name
    uint64_t responses = 0;
    uint64_t damages = 0;
  };
  void Note(const WarcRecord& record, Looked& looked) const;
  // Where it lies beside `from`, the file of that name will be in the directory as it is.
  bool StaysBeside(const Looked& from, const std::string& name) const;
  bool KeepsName(const Looked& file) const;
  void FindBrokenLinks();
  absl::StatusOr<AdoptedWarc> TakeOne(const Looked& looked);
  absl::Status Rewrite(const std::string& path, AtomicOutput& output, AdoptedWarc& adopted);

  std::string directory_;
  std::vector<Looked> files_;
  std::optional<RevisitBodies> bodies_;  // of these files, while they are taken
};

}  // namespace weft
