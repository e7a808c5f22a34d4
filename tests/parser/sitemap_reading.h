// Reading sitemaps in tests: one call, and what came out as strings.
#pragma once

#include <zlib.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "parser/sitemap_reader.h"

namespace weft::test {

inline SitemapFile ReadSitemapText(std::string_view body, std::string_view content_type = "",
                                   const std::string& address = "http://e.test/maps/sitemap.xml") {
  const Url url = Url::Parse(address).value();
  SitemapInput input;
  input.body = body;
  input.content_type = content_type;
  input.url = &url;
  return ReadSitemap(input);
}

inline std::vector<std::string> Addresses(const std::vector<SitemapUrl>& entries) {
  std::vector<std::string> out;
  for (const SitemapUrl& entry : entries) out.push_back(entry.url.href());
  return out;
}

inline std::string Urlset(std::string_view entries) {
  return std::string("<?xml version=\"1.0\"?><urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">") +
         std::string(entries) + "</urlset>";
}

inline std::string Gzip(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("zlib");
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("zlib");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace weft::test
