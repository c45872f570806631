// Gives the precompiled header of all tests a target that owns it (LRA_FROM_SCRATCH).
#include "test/support/catch.hpp"
