#include "storage/rocks_kv.h"
