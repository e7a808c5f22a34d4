#include "parser/bounded_gumbo.h"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include "parser/html_prescan.h"

namespace weft {
namespace {

// The depth is measured at the first element after so many nodes. It cannot fall and rise again in between: only new
// nodes make it rise.
constexpr size_t kMeasureEvery = 16;
// Where measuring ends: such a depth uses up any limit at once.
constexpr size_t kDeepest = 1'000'000;

// Where to go when an assertion of gumbo fails on this thread; null outside of a parse.
thread_local std::jmp_buf* in_parse = nullptr;

}  // namespace

bool LeaveFailedParse() {
  if (in_parse == nullptr) return false;
  std::longjmp(*in_parse, 1);
}

const GumboOutput* BoundedGumbo::Parse(std::string_view utf8) {
  Reset();
  work_ = 0;
  work_limit_ = TreeWorkLimit(utf8.size());
  memory_limit_ = MemoryLimit(utf8.size());
  depth_ = allocations_in_tag_ = nodes_ = 0;
  last_node_ = nullptr;
  if (ParsesWithinLimits(utf8)) return output_;
  arena_.Reset();
  return nullptr;
}

void BoundedGumbo::Reset() {
  output_ = nullptr;
  arena_.Reset();
}

// Nothing with a destructor may live between here and Allocate: longjmp passes over it.
bool BoundedGumbo::ParsesWithinLimits(std::string_view utf8) {
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = &BoundedGumbo::AllocateCallback;
  options.deallocator = &BoundedGumbo::FreeCallback;
  options.userdata = this;
  options.max_errors = 0;
  if (setjmp(too_costly_) != 0) {
    in_parse = nullptr;
    return false;
  }
  in_parse = &too_costly_;
  output_ = gumbo_parse_with_options(&options, utf8.data(), utf8.size());
  in_parse = nullptr;
  return true;
}

void* BoundedGumbo::AllocateCallback(void* self, size_t size) { return static_cast<BoundedGumbo*>(self)->Allocate(size); }

void BoundedGumbo::FreeCallback(void* self, void* pointer) { static_cast<BoundedGumbo*>(self)->arena_.Free(pointer); }

void* BoundedGumbo::Allocate(size_t size) {
  Charge(size);
  void* memory = nullptr;
  if (work_ <= work_limit_ && size <= memory_limit_) memory = arena_.Allocate(size);
  if (memory == nullptr || arena_.bytes() > memory_limit_) std::longjmp(too_costly_, 1);
  if (size == sizeof(GumboNode)) last_node_ = memory;
  return memory;
}

void BoundedGumbo::Charge(size_t size) {
  ++allocations_in_tag_;
  if (size == sizeof(GumboNode)) {
    if (++nodes_ >= kMeasureEvery) {
      const size_t depth = DepthOf(last_node_);
      // Else that was no element; the next one may be.
      if (depth > 0) {
        depth_ = depth;
        nodes_ = 0;
      }
    }
    allocations_in_tag_ = 0;
  }
  // A formatting tag is compared, attribute by attribute, with every open one: quadratic in its attributes.
  work_ += depth_ * (1 + allocations_in_tag_ / 16);
}

// Steps from a node that is complete by now up to the root; 0 if it is no element or not yet in the tree. Its size alone makes
// the memory a node, and a string of that size may be taken for one: every pointer is checked to lie in the arena before it
// is followed, so that a wrong guess costs accuracy only.
size_t BoundedGumbo::DepthOf(const void* node) const {
  size_t depth = 0;
  while (arena_.Contains(node, sizeof(GumboNode))) {
    std::underlying_type_t<GumboNodeType> type;
    std::memcpy(&type, static_cast<const char*>(node) + offsetof(GumboNode, type), sizeof type);
    if (depth == 0 && type != GUMBO_NODE_ELEMENT && type != GUMBO_NODE_TEMPLATE) return 0;
    if (++depth > kDeepest) break;
    std::memcpy(&node, static_cast<const char*>(node) + offsetof(GumboNode, parent), sizeof node);
  }
  return depth > 1 ? depth : 0;
}

}  // namespace weft

// Debian builds gumbo with its assertions, and some broken documents make them fail (a select in a table after text, say).
// That is no reason to end the process: the parse is given up, as one that costs too much. This takes the place of the C
// library's function for the whole program; outside of a parse it does what that one does.
extern "C" [[noreturn]] void __assert_fail(const char* what, const char* file, unsigned int line, const char* function) noexcept {
  weft::LeaveFailedParse();
  std::fprintf(stderr, "%s:%u: %s: assertion failed: %s\n", file, line, function, what);
  std::abort();
}
