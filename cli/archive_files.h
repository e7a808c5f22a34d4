// What the commands that read WARC files share: the files that the user named.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/cdxj_indexer.h"
#include "storage/revisit_bodies.h"
#include "storage/warc_payload.h"
#include "storage/warc_reader.h"

namespace weft {

// WARC files by what the user named, directories opened up, each once. What cannot be found, or holds none, is told and makes `failed`
// true; that files are being written just now is told.
std::vector<std::string> NamedWarcFiles(const std::vector<std::string>& named, bool& failed);

// The file at `path` from its beginning or `offset`. What is no regular file, such as a pipe, is written to a temporary file first,
// of which nothing is left.
absl::StatusOr<std::unique_ptr<WarcReader>> OpenNamedWarc(const std::string& path, uint64_t offset = 0);

// All of `files` into the index; those that cannot be read are told, make `failed` true and are taken out of `files`.
// An error: the sorter's disk fails.
absl::Status IndexFiles(std::vector<std::string>& files, CdxjIndexer& indexer, bool& failed);

// The payload of a record of `file`; of a revisit that names its payload, of the response that it stands for.
absl::StatusOr<WarcPayload> PayloadIn(const std::string& file, const WarcRecord& record, RevisitBodies& bodies);

// Whether `path` names one of `files`, however it is written.
bool IsOneOf(const std::string& path, const std::vector<std::string>& files);

}  // namespace weft
