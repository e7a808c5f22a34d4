// Records and files of WARC made by hand, in every form.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <string>
#include <string_view>

#include "common/digest.h"
#include "storage/gzip_member.h"

namespace weft::test {

// "WARC/1.1", `fields` and the block, with what ends a record.
inline std::string MakeRecord(std::string_view fields, std::string_view block, std::string_view version = "WARC/1.1") {
  return fmt::format("{}\r\n{}Content-Length: {}\r\n\r\n{}\r\n\r\n", version, fields, block.size(), block);
}

// The four fields that every record has; `id` makes the record id.
inline std::string CommonFields(std::string_view type, std::string_view id, std::string_view date = "2026-01-02T03:04:05Z") {
  return fmt::format("WARC-Type: {}\r\nWARC-Record-ID: <urn:uuid:{}>\r\nWARC-Date: {}\r\n", type, id, date);
}

inline std::string HttpResponse(std::string_view body, std::string_view fields = "Content-Type: text/html\r\n", int status = 200) {
  return fmt::format("HTTP/1.1 {} X\r\n{}\r\n{}", status, fields, body);
}

// A response record without faults.
inline std::string ResponseRecord(std::string_view uri, std::string_view id, std::string_view http, std::string_view more = "") {
  return MakeRecord(fmt::format("{}WARC-Target-URI: {}\r\nContent-Type: application/http;msgtype=response\r\n{}",
                                CommonFields("response", id), uri, more), http);
}

inline std::string GzipMember(std::string_view bytes) {
  std::string out;
  GzipMemberWriter writer;
  writer.Begin(&out);
  writer.Add(bytes);
  writer.Finish();
  return out;
}

// With its checksum.
inline std::string ZstdFrame(std::string_view content, std::string_view dictionary = {}) {
  ZSTD_CCtx* const zstd = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
  ZSTD_CCtx_loadDictionary(zstd, dictionary.data(), dictionary.size());
  std::string out(ZSTD_compressBound(content.size()), '\0');
  const size_t size = ZSTD_compress2(zstd, out.data(), out.size(), content.data(), content.size());
  EXPECT_FALSE(ZSTD_isError(size));
  ZSTD_freeCCtx(zstd);
  out.resize(ZSTD_isError(size) ? 0 : size);
  return out;
}

// The skippable frame that a dictionary stands in at the front of a .warc.zst file.
inline std::string DictionaryFrame(std::string_view content) {
  std::string out("\x5D\x2A\x4D\x18", 4);
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(content.size() >> shift & 0xFF);
  return out.append(content);
}

}  // namespace weft::test
