#include "common/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "common/ascii.h"

namespace weft {
namespace {

// EVP_sha1() looks the algorithm up anew at every use (OpenSSL 3); a fetched one does not. Lives as long as the process.
const EVP_MD* FetchedSha1() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  return md;
}

std::string_view WithoutPadding(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  return text;
}

// Most significant bits first, `bits` a character.
std::string EncodeBits(std::string_view bytes, int bits, const char* alphabet) {
  std::string out;
  uint32_t window = 0;
  int held = 0;
  for (const char c : bytes) {
    window = (window << 8) | static_cast<unsigned char>(c);
    held += 8;
    while (held >= bits) {
      held -= bits;
      out += alphabet[(window >> held) & ((1u << bits) - 1)];
    }
  }
  if (held > 0) out += alphabet[(window << (bits - held)) & ((1u << bits) - 1)];
  return out;
}

}  // namespace

struct Sha1Stream::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
  void Restart() {
    // Fails only without memory or without SHA-1 in the library: nothing sensible can be stored then.
    if (EVP_DigestInit_ex2(evp, FetchedSha1(), nullptr) != 1) std::abort();
  }
};

Sha1Stream::Sha1Stream() : context_(std::make_unique<Context>()) { context_->Restart(); }
Sha1Stream::~Sha1Stream() = default;

void Sha1Stream::Add(std::string_view bytes) {
  if (EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) != 1) std::abort();
}

std::string Sha1Stream::Finish() {
  std::string out(20, '\0');
  if (EVP_DigestFinal_ex(context_->evp, reinterpret_cast<unsigned char*>(out.data()), nullptr) != 1) std::abort();
  context_->Restart();
  return out;
}

struct Sha256Stream::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
  void Restart() {
    if (EVP_DigestInit_ex2(evp, EVP_sha256(), nullptr) != 1) std::abort();  // as with SHA-1
  }
};

Sha256Stream::Sha256Stream() : context_(std::make_unique<Context>()) { context_->Restart(); }
Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::Add(std::string_view bytes) {
  if (EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) != 1) std::abort();
}

std::string Sha256Stream::Finish() {
  std::string out(32, '\0');
  if (EVP_DigestFinal_ex(context_->evp, reinterpret_cast<unsigned char*>(out.data()), nullptr) != 1) std::abort();
  context_->Restart();
  return out;
}

std::string Sha1(std::string_view bytes) {
  std::string out(20, '\0');
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, FetchedSha1(),
                 nullptr) != 1) {
    std::abort();
  }
  return out;
}

std::optional<std::string> DigestByName(std::string_view algorithm, std::string_view bytes) {
  const EVP_MD* md = nullptr;
  if (EqualIgnoringCase(algorithm, "sha1") || EqualIgnoringCase(algorithm, "sha-1")) {
    md = FetchedSha1();
  } else if (EqualIgnoringCase(algorithm, "sha256") || EqualIgnoringCase(algorithm, "sha-256")) {
    md = EVP_sha256();
  } else if (EqualIgnoringCase(algorithm, "sha512") || EqualIgnoringCase(algorithm, "sha-512")) {
    md = EVP_sha512();
  } else if (EqualIgnoringCase(algorithm, "md5")) {
    md = EVP_md5();
  }
  if (md == nullptr) return std::nullopt;
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size, md, nullptr) != 1) {
    return std::nullopt;  // MD5 may be switched off in the library's configuration
  }
  out.resize(size);
  return out;
}

std::string Base32(std::string_view bytes) {
  std::string out = EncodeBits(bytes, 5, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
  while (out.size() % 8 != 0) out += '=';
  return out;
}

std::string HexLower(std::string_view bytes) { return EncodeBits(bytes, 4, "0123456789abcdef"); }

std::string Base64(std::string_view bytes) {
  std::string out = EncodeBits(bytes, 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  while (out.size() % 4 != 0) out += '=';
  return out;
}

std::string Sha1Label(std::string_view raw_digest) { return "sha1:" + Base32(raw_digest); }

bool DigestTextMatches(std::string_view text, std::string_view raw) {
  const std::string_view bare = WithoutPadding(text);
  if (bare.size() == raw.size() * 2) return EqualIgnoringCase(bare, HexLower(raw));
  if (bare.size() == (raw.size() * 8 + 4) / 5) return EqualIgnoringCase(bare, WithoutPadding(Base32(raw)));
  std::string plain(bare);
  std::replace(plain.begin(), plain.end(), '-', '+');
  std::replace(plain.begin(), plain.end(), '_', '/');
  return plain == WithoutPadding(Base64(raw));
}

}  // namespace weft
