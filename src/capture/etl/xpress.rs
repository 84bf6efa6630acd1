//! Plain LZ77 (MS-XCA 2.3/2.4), as Windows compresses ETL buffers.
