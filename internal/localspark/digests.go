package localspark

// The files of a published version never change: neither PyPI nor Maven Central
// accepts a second file of the same name. These digests make sure that a mirror
// does not deliver other files. For later versions the digest of the index is
// used.

// archives holds the SHA-256 of pyspark-VERSION.tar.gz by version, from the index
// of PyPI on 30 November 2026.
var archives = map[string]string{
	"3.5.0": "d41a9b76bd2aca370a6100d075c029e22ba44c5940927877e9435a3a9c566558",
	"3.5.1": "dd6569e547365eadc4f887bf57f153e4d582a68c4b490de475d55b9981664910",
	"3.5.2": "bbb36eba09fa24e86e0923d7e7a986041b90c714e11c6aa976f9791fe9edde5e",
	"3.5.3": "68b7cc0c0c570a7d8644f49f40d2da8709b01d30c9126cc8cf93b4f84f3d9747",
	"3.5.4": "1c2926d63020902163f58222466adf6f8016f6c43c1f319b8e7a71dbaa05fc51",
	"3.5.5": "6effc9ce98edf231f4d683fd14f7270629bf8458c628d6a2620ded4bb34f3cb9",
	"3.5.6": "f8b1c4360e41ab398c64904fae08740503bcb6bd389457d659fa6d9f2952cc48",
	"3.5.7": "80e36514e0c5c126d35a26adf4f405cd4a69de96a8ea8a3c1e9a65fce2fb4eaa",
	"3.5.8": "54cca0767b21b40e3953ad1d30f8601c53abf9cbda763653289cdcfcac52313c",
	"3.5.9": "ea27adc39ddac9413b8951e45aa748cbed6c785971b81386efc41938f6243d93",
	"4.0.0": "38db1b4f6095a080d7605e578d775528990e66dc326311d93e94a71cfc24e5a5",
	"4.0.1": "9d1f22d994f60369228397e3479003ffe2dd736ba79165003246ff7bd48e2c73",
	"4.0.2": "938b4a1883383374d331ebfcb5d92debfa1891cf3d7a6d730520a1a2d23f1a90",
	"4.0.3": "9ed23e8601d73afae857eb5f9e11050b59cd11bbe50777564fcc4923cb117c1c",
	"4.0.4": "7e119366364d48e3cda1b1efd1ebc6cd672949500667c9cabbeef858daba700f",
	"4.0.5": "a0d44b0e7faf0458ad83b7aa664e7ed8b96beed8a55d66ce3b0dfac2309dfca6",
	"4.1.0": "09c714ada88dfac3e1213c066617c6f473c1e22fbe279855028f77e12434147d",
	"4.1.1": "77f78984aa84fbe865c717dd37b49913b4e5c97d76ef6824f932f1aefa6621ec",
	"4.1.2": "fa5d6159f700d0990a07f4f62df1b7449401dccee9cd7d5d6df8957530841602",
	"4.1.3": "b600238e771e45618a58beaf9d63cfd9aa06f61ce193244cedf890a04a4409f7",
	"4.1.4": "bcbd5e18690cf79d438e97210ad06fb8d451a251bb77becc2b0418868d2acd73",
	"4.2.0": "5ad689d53570ee1674193fd4f9bda065f0db3be9363a27d2a3406cc457b70b61",
	"4.2.1": "d79b7c8ee41e66a9202fe6f600ca90b931ca571ae9dbdf31c58d2672e5102da0",
	"4.3.0": "e8c517948eff7088a7aa07449aa8eafa4a15a8d50319de2525a6fd26622476c6",
}

// connectJars holds the SHA-512 of the Connect server's jars for Spark 3.5 and
// the Scala version of PyPI's distribution. They were computed from the files of
// Maven Central, which publishes only SHA-1, on the same day. Maven Central has
// more versions.
var connectJars = map[string]string{
	"org.apache.spark:spark-connect_2.12:3.5.0": "e7d3e286730647851d55bcf6b96acf282c9202848e5ba6955614d8b700fd0ea5ee400f3a543ae87fc41332908b7132f1400ba1fa5c729783666b7572288eecd5",
	"org.apache.spark:spark-connect_2.12:3.5.1": "b670866cf761fea6e703a0408ad82d8ab313770468ef51577e2388f8f11652a60152641437a02b30f7fb625065572e971d4f7b7257ff429c85a045a8d02ea738",
	"org.apache.spark:spark-connect_2.12:3.5.4": "7611b3faf0aa1a9cabca676e272a04246ec9be254738a01ae9527af4ecadfc6617dfd9114c797e9f001e1fdd86adbb4bde6098f9b0e622cca427daca657b4637",
	"org.apache.spark:spark-connect_2.12:3.5.5": "5dcd4d65ecd1f2e200cd8ba5bba0f890b237e038c4fa26a5688d783f3083ad6433d4d815f2e2d583cf65574005c121c5da6cb07ec6e7f91a15068b39e49c8d1d",
	"org.apache.spark:spark-connect_2.12:3.5.7": "36ceb863afc1002d1c2a79d4d543ceff1aa71828473b394b3aab08590fa68e3af590b2b98a09229e7d9483cafef690113ce2bcd39b80cce34cd6deaafa4b22eb",
}
