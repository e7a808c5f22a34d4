// Which page a parser was reading when its process crashed, and how often each page was (protocol rule 14).
// Thread rule: each object belongs to one parser's thread once all of a process are made; making them is for one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace weft {

// A page of memory in a file: what was written there before a crash of this process is read by the next one. The counts beside
// it are shared by all parsers of a pages directory: whichever of them gets the page next knows of it.
class CrashBlame {
 public:
  // `slot_file`: of this parser alone. `counts_file`: of all. A slot that still names a page is counted, and emptied. Files that
  // cannot be had cost the blame and nothing else.
  CrashBlame(const std::string& slot_file, std::string counts_file);
  ~CrashBlame();
  CrashBlame(const CrashBlame&) = delete;
  CrashBlame& operator=(const CrashBlame&) = delete;

  // The page that is read from now on; "": none.
  void Name(const std::string& key);
  // Of earlier processes. The counts are read at the first call, when every parser of this process has added its own.
  uint32_t CrashesOn(const std::string& key);
  // The same of every page that was blamed.
  std::map<std::string, uint32_t> Blamed();

 private:
  void Read();
  void Write() const;

  std::string counts_file_;
  char* memory_ = nullptr;
  bool read_ = false;
  std::map<std::string, uint32_t> crashes_;  // by the key's hexadecimal form
};

}  // namespace weft
