#include "fetcher/ares_resolver.h"
