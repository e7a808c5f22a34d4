#include "storage/warc_reader.h"
