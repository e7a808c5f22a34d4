// Takes a WARC file from elsewhere into a pages directory, where its pages can be read by their place.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

struct AdoptedWarc {
  std::string name;          // below the directory
  uint64_t responses = 0;    // pages, and what else was answered
  uint64_t damages = 0;
  bool rewritten = false;
};

// Linked, where both lie on one file system, else copied; a zstd file, or one with several records in a gzip member, is written anew with a
// gzip member a record. A name that is taken gets a number in front. `each` is told the URI of every response; an error of it ends
// all. The file appears whole or not at all.
absl::StatusOr<AdoptedWarc> AdoptWarc(const std::string& path, const std::string& directory,
                                      absl::FunctionRef<absl::Status(std::string_view uri)> each);

}  // namespace weft
