# What C has and Python has no word for: a hint to fetch memory early, and the place of the lowest
# and of the highest bit. The kernel's compiled half calls them; uncompiled it goes without, or counts bits itself.

cdef extern from *:
    """
    #if defined(__GNUC__) || defined(__clang__)
    #undef CYTHON_INLINE  /* the hint alone leaves a call with nine arguments for each event */
    #define CYTHON_INLINE inline __attribute__((always_inline))
    #define kitahama_ahead(place) __builtin_prefetch((const void *)(place), 1)
    #define kitahama_lowest(word) __builtin_ctzll(word)
    #define kitahama_highest(word) (63 - __builtin_clzll(word))
    #else
    #define kitahama_ahead(place) ((void)(place))
    static int kitahama_lowest(unsigned long long word) {
        int place = 0;
        while (!(word & 1)) { word >>= 1; place++; }
        return place;
    }
    static int kitahama_highest(unsigned long long word) {
        int place = 0;
        while (word >>= 1) place++;
        return place;
    }
    #endif
    """
    void fetch_early "kitahama_ahead"(void *place) noexcept nogil
    int highest_of "kitahama_highest"(unsigned long long word) noexcept nogil
    int lowest_of "kitahama_lowest"(unsigned long long word) noexcept nogil
