#include "storage/wacz.h"

#include <cstdlib>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/http_message.h"
#include "common/status.h"
#include "storage/byte_source.h"
#include "storage/cdxj.h"
#include "storage/gzip_member.h"

namespace weft {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kCopyBytes = 1u << 20;
constexpr std::string_view kIndexName = "index.cdx.gz";

std::string Dumped(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string Hash(std::string_view raw) { return "sha256:" + HexLower(raw); }

std::string Rfc3339(absl::Time time) { return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()); }

// "20260102030405" as "2026-01-02T03:04:05Z"
std::string PageTime(std::string_view digits) {
  if (digits.size() < 14) return "";
  return fmt::format("{}-{}-{}T{}:{}:{}Z", digits.substr(0, 4), digits.substr(4, 2), digits.substr(6, 2), digits.substr(8, 2),
                     digits.substr(10, 2), digits.substr(12, 2));
}

std::string TextOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// "key SP time SP {json}", by its spaces.
struct LineParts {
  std::string_view key_and_time;
  std::string_view time;
  std::string_view json;
};
LineParts Split(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return {line, {}, {}};
  return {line.substr(0, second), line.substr(first + 1, second - first - 1), line.substr(second + 1)};
}

}  // namespace

struct WaczWriter::Parts {
  TemporaryFile list;       // of the index' blocks
  GzipMemberWriter gzip;
  std::string packed;
  std::string prefix;       // key and time of the block's first line
  uint64_t offset = 0;      // of the next block
};

WaczWriter::WaczWriter(std::unique_ptr<AtomicOutput> output, std::string directory, WaczOptions options)
    : output_(std::move(output)), directory_(std::move(directory)), options_(std::move(options)),
      zip_(*output_, options_.created, options_.zip64_from) {}

absl::StatusOr<std::unique_ptr<WaczWriter>> WaczWriter::Create(const std::string& path, WaczOptions options) {
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<AtomicOutput> output, AtomicOutput::ToFile(path));
  if (!output->regular()) return InvalidArgument("cannot write {}: a WACZ file must be a regular file", path);
  return std::unique_ptr<WaczWriter>(new WaczWriter(std::move(output), DirectoryOf(path), std::move(options)));
}

absl::Status WaczWriter::Begin(std::string path, uint64_t bytes) {
  WEFT_RETURN_IF_ERROR(zip_.Begin(path, bytes));
  resources_.push_back({std::move(path), "", 0});
  return absl::OkStatus();
}

absl::Status WaczWriter::Add(std::string_view bytes) {
  hash_.Add(bytes);
  resources_.back().bytes += bytes.size();
  return zip_.Add(bytes);
}

absl::Status WaczWriter::End() {
  resources_.back().hash = Hash(hash_.Finish());
  return zip_.End();
}

absl::Status WaczWriter::AddText(std::string path, std::string_view text) {
  WEFT_RETURN_IF_ERROR(Begin(std::move(path), text.size()));
  WEFT_RETURN_IF_ERROR(Add(text));
  return End();
}

absl::Status WaczWriter::Copy(const ByteSource& source) {
  std::string bytes(kCopyBytes, '\0');
  for (uint64_t at = 0; at < source.size();) {
    const size_t got = source.ReadAt(at, bytes.data(), bytes.size());
    if (got == 0) return Internal("cannot be read to its end");
    WEFT_RETURN_IF_ERROR(Add(std::string_view(bytes).substr(0, got)));
    at += got;
  }
  return absl::OkStatus();
}

absl::Status WaczWriter::AddWarc(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenFileSource(path));
  std::string name = path.substr(path.rfind('/') + 1);
  if (!names_.insert(name).second) return absl::AlreadyExistsError(fmt::format("{}: a file of this name is in already", path));
  WEFT_RETURN_IF_ERROR(Begin("archive/" + name, source->size()));
  WEFT_RETURN_IF_ERROR(WithContext(Copy(*source), path));
  return End();
}

absl::Status WaczWriter::BeginWarc(const std::string& name) {
  if (!names_.insert(name).second) return absl::AlreadyExistsError(fmt::format("{}: a file of this name is in already", name));
  return Begin("archive/" + name);
}

absl::Status WaczWriter::AddBlock(const std::string& block, Parts& parts) {
  parts.packed.clear();
  parts.gzip.Begin(&parts.packed);
  parts.gzip.Add(block);
  parts.gzip.Finish();
  Sha256Stream hash;
  hash.Add(parts.packed);
  const Json place = {{"offset", parts.offset}, {"length", parts.packed.size()}, {"digest", Hash(hash.Finish())}};
  WEFT_RETURN_IF_ERROR(parts.list.Write(fmt::format("{} {}\n", parts.prefix, Dumped(place))));
  parts.offset += parts.packed.size();
  return Add(parts.packed);
}

absl::Status WaczWriter::OpenPages() {
  if (page_list_) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(TemporaryFile list, TemporaryFile::Create(directory_));
  page_list_.emplace(std::move(list));
  Json head = {{"format", "json-pages-1.0"}, {"id", "pages"}, {"title", "All Pages"}};
  if (options_.with_text) head["hasText"] = true;
  return page_list_->Write(Dumped(head) + "\n");
}

absl::Status WaczWriter::AddPage(const WaczPage& page) {
  WEFT_RETURN_IF_ERROR(OpenPages());
  ++pages_;
  const std::string id = HexLower(Sha1(fmt::format("{} {}", CdxjKey(page.url), page.timestamp))).substr(0, 16);
  Json json = {{"id", id}, {"url", page.url}, {"ts", PageTime(page.timestamp)}};
  if (!page.title.empty()) json["title"] = page.title;
  if (!page.text.empty()) json["text"] = page.text;
  return page_list_->Write(Dumped(json) + "\n");
}

absl::Status WaczWriter::AddPageOf(std::string_view line) {
  const LineParts split = Split(line);
  const bool may_be = split.json.find("html") != std::string_view::npos || split.json.find(kRevisitMime) != std::string_view::npos;
  if (!may_be) return absl::OkStatus();  // most others, without parsing
  const Json json = Json::parse(split.json, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::OkStatus();
  const std::string mime = TextOf(json, "mime"), url = TextOf(json, "url");
  const bool html = mime == "text/html" || mime == "application/xhtml+xml";
  const bool revisit = mime == kRevisitMime && options_.describe_revisit != nullptr;
  if ((!html && !revisit) || json.contains("method") || !url.starts_with("http")) return absl::OkStatus();
  if (html && TextOf(json, "status") != "200") return absl::OkStatus();
  WaczPage page{url, std::string(split.time), {}, {}};
  const std::string offset_text = TextOf(json, "offset");
  const uint64_t offset = std::strtoull(offset_text.c_str(), nullptr, 10);
  if (revisit && !options_.describe_revisit(TextOf(json, "filename"), offset, page)) return absl::OkStatus();
  if (html && options_.describe != nullptr && !offset_text.empty()) options_.describe(TextOf(json, "filename"), offset, page);
  return AddPage(page);
}

absl::Status WaczWriter::AddIndex(LineSource& captures) {
  WEFT_ASSIGN_OR_RETURN(TemporaryFile list, TemporaryFile::Create(directory_));
  WEFT_RETURN_IF_ERROR(OpenPages());
  Parts parts{std::move(list), {}, {}, {}, 0};
  const Json list_head = {{"format", "cdxj-gzip-1.0"}, {"filename", kIndexName}};
  WEFT_RETURN_IF_ERROR(parts.list.Write(fmt::format("!meta 0 {}\n", Dumped(list_head))));

  WEFT_RETURN_IF_ERROR(Begin(fmt::format("indexes/{}", kIndexName)));
  std::string block;
  size_t lines = 0;
  std::string_view line;
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool there, captures.Next(line));
    if (lines > 0 && (!there || lines == options_.block_lines)) {
      WEFT_RETURN_IF_ERROR(AddBlock(block, parts));
      block.clear();
      lines = 0;
    }
    if (!there) break;
    if (lines == 0) parts.prefix = std::string(Split(line).key_and_time);
    block.append(line).append("\n");
    ++lines;
    ++captures_;
    if (options_.pages_of_index) WEFT_RETURN_IF_ERROR(AddPageOf(line));
  }
  WEFT_RETURN_IF_ERROR(End());
  WEFT_RETURN_IF_ERROR(AddFile("indexes/index.idx", parts.list));
  return AddFile("pages/pages.jsonl", *page_list_);
}

absl::Status WaczWriter::AddFile(std::string path, TemporaryFile& file) {
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, file.Finish());
  WEFT_RETURN_IF_ERROR(Begin(std::move(path), source->size()));
  WEFT_RETURN_IF_ERROR(Copy(*source));
  return End();
}

std::string WaczWriter::DataPackage() const {
  Json resources = Json::array();
  for (const Resource& resource : resources_) {
    resources.push_back({{"name", resource.path.substr(resource.path.rfind('/') + 1)}, {"path", resource.path},
                         {"hash", resource.hash}, {"bytes", resource.bytes}});
  }
  const Json package = {{"profile", "data-package"}, {"wacz_version", "1.1.1"},
                        {"title", options_.title},   {"created", Rfc3339(options_.created)},
                        {"software", options_.software}, {"resources", resources}};
  return Dumped(package, 2) + "\n";
}

absl::Status WaczWriter::Finish() {
  const std::string package = DataPackage();
  WEFT_RETURN_IF_ERROR(AddText("datapackage.json", package));
  const Json digest = {{"path", "datapackage.json"}, {"hash", resources_.back().hash}};
  WEFT_RETURN_IF_ERROR(AddText("datapackage-digest.json", Dumped(digest, 2) + "\n"));
  WEFT_RETURN_IF_ERROR(zip_.Finish());
  return output_->Finish();
}

}  // namespace weft
