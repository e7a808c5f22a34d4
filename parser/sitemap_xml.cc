#include "parser/sitemap_xml.h"

#include <expat.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>

#include "parser/loose_xml.h"

namespace weft {
namespace {

// A token longer than a piece is read again with each piece (expat 2.5), and may be as long as expat's memory allows: the
// two together bound that to some tens of times the input.
constexpr size_t kPieceBytes = 256 << 10;
// Expat keeps every distinct element name; a file of nothing else would need twenty times its size.
constexpr size_t kMaxExpatBytes = 8 << 20;

// Expat's allocations, counted. It gives no context to its allocator: one parser at a time on a thread.
thread_local size_t expat_bytes = 0;
constexpr size_t kBlockHead = alignof(std::max_align_t);

void* Grow(void* block, size_t size) {
  auto* head = block == nullptr ? nullptr : static_cast<char*>(block) - kBlockHead;
  const size_t before = head == nullptr ? 0 : *reinterpret_cast<size_t*>(head);
  if (size > kMaxExpatBytes || expat_bytes - before + size > kMaxExpatBytes) return nullptr;
  auto* grown = static_cast<char*>(std::realloc(head, size + kBlockHead));
  if (grown == nullptr) return nullptr;
  expat_bytes = expat_bytes - before + size;
  *reinterpret_cast<size_t*>(grown) = size;
  return grown + kBlockHead;
}

void* Allocate(size_t size) { return Grow(nullptr, size); }

void Free(void* block) {
  if (block == nullptr) return;
  auto* head = static_cast<char*>(block) - kBlockHead;
  expat_bytes -= *reinterpret_cast<size_t*>(head);
  std::free(head);
}

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using ParserPtr = std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser>;

class ExpatRun {
 public:
  ExpatRun(SitemapEntries* entries, SitemapFile* out) : entries_(entries), out_(out) {
    const XML_Memory_Handling_Suite memory{Allocate, Grow, Free};
    parser_.reset(XML_ParserCreate_MM("UTF-8", &memory, nullptr));
    if (parser_ == nullptr) return;
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), OnStart, OnEnd);
    XML_SetCharacterDataHandler(parser_.get(), OnText);
    XML_SetStartDoctypeDeclHandler(parser_.get(), OnDoctype);
    XML_SetSkippedEntityHandler(parser_.get(), OnSkippedEntity);
  }

  // Where a tolerant scan has to begin; none: there is nothing left to read.
  std::optional<size_t> Run(std::string_view text) {
    if (parser_ == nullptr) return 0;
    for (size_t at = 0; at < text.size(); at += kPieceBytes) {
      const std::string_view piece = text.substr(at, kPieceBytes);
      const bool last = at + piece.size() == text.size();
      if (XML_Parse(parser_.get(), piece.data(), static_cast<int>(piece.size()), last) == XML_STATUS_ERROR) return Fault();
    }
    return std::nullopt;
  }

 private:
  static ExpatRun& Self(void* data) { return *static_cast<ExpatRun*>(data); }

  static void OnStart(void* data, const XML_Char* name, const XML_Char** attributes) {
    ExpatRun& run = Self(data);
    if (run.stopped_) return;
    if (++run.depth_ > kMaxSitemapDepth) return run.Stop("elements nested too deeply");
    const bool was_in_entry = run.entries_->in_entry();
    if (run.entries_->Start(name)) {
      for (; attributes[0] != nullptr; attributes += 2) run.entries_->Attribute(attributes[0], attributes[1]);
      run.entries_->AttributesEnd();
    }
    if (!was_in_entry && run.entries_->in_entry()) run.entry_at_ = run.Position();
    run.TakeStock();
  }

  static void OnEnd(void* data, const XML_Char* name) {
    ExpatRun& run = Self(data);
    if (run.stopped_) return;
    --run.depth_;
    run.entries_->End(name);
    run.TakeStock();
  }

  static void OnText(void* data, const XML_Char* text, int size) {
    ExpatRun& run = Self(data);
    if (!run.stopped_) run.entries_->Text({text, static_cast<size_t>(size)});
  }

  static void OnDoctype(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int has_internal_subset) {
    ExpatRun& run = Self(data);
    if (has_internal_subset == 0) return;
    // Declarations are where entity bombs and external entities come from: expat sees none.
    run.refused_at_ = run.Position();
    run.Stop("document type with declarations: entities are refused");
  }

  static void OnSkippedEntity(void* data, const XML_Char*, int) { Self(data).entries_->UnknownReference(); }

  size_t Position() const { return static_cast<size_t>(std::max<XML_Index>(0, XML_GetCurrentByteIndex(parser_.get()))); }

  void TakeStock() {
    done_ = Position() + static_cast<size_t>(XML_GetCurrentByteCount(parser_.get()));
    if (entries_->full() || entries_->foreign()) Stop("");
  }

  void Stop(const char* why) {
    stopped_ = true;
    if (*why != '\0') out_->AddError(why);
    XML_StopParser(parser_.get(), XML_FALSE);
  }

  std::optional<size_t> Fault() {
    if (refused_at_) return refused_at_;
    if (stopped_) return std::nullopt;
    out_->AddError(fmt::format("line {}: {}", XML_GetCurrentLineNumber(parser_.get()),
                               XML_ErrorString(XML_GetErrorCode(parser_.get()))));
    if (!entries_->in_entry()) return done_;
    entries_->DropEntry();
    return entry_at_;
  }

  SitemapEntries* entries_;
  SitemapFile* out_;
  ParserPtr parser_;
  int depth_ = 0;
  bool stopped_ = false;
  size_t entry_at_ = 0;   // of the open entry's start tag
  size_t done_ = 0;       // behind the last tag
  std::optional<size_t> refused_at_;
};

}  // namespace

void ReadSitemapXml(std::string_view text, SitemapEntries* entries, SitemapFile* out) {
  const std::optional<size_t> fault = ExpatRun(entries, out).Run(text);
  if (fault) {
    out->salvaged = true;
    ScanLooseXml(text.substr(std::min(*fault, text.size())), entries);
  }
  entries->Finish();
}

}  // namespace weft
