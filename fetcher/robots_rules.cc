#include "fetcher/robots_rules.h"
