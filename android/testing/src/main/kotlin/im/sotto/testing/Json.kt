package im.sotto.testing

import com.google.gson.Gson
import com.google.gson.GsonBuilder
import com.google.gson.JsonElement
import com.google.gson.JsonNull
import com.google.gson.JsonParser

/** A JSON value, read. */
class Json private constructor(private val value: JsonElement) {
    val isNull: Boolean get() = value.isJsonNull
    val text: String get() = value.asString
    val int: Int get() = value.asInt
    val long: Long get() = value.asLong
    val isTrue: Boolean get() = !isNull && value.asBoolean
    val list: List<Json> get() = value.asJsonArray.map(::Json)

    fun has(key: String): Boolean = value.isJsonObject && value.asJsonObject.has(key)

    /** A field; null in JSON's sense if there is none. */
    operator fun get(key: String): Json = Json(value.asJsonObject[key] ?: JsonNull.INSTANCE)

    operator fun get(place: Int): Json = Json(value.asJsonArray[place])

    override fun toString(): String = GSON.toJson(value)

    companion object {
        private val GSON: Gson = GsonBuilder().serializeNulls().disableHtmlEscaping().create()

        fun parse(text: String): Json = Json(JsonParser.parseString(text))

        /** Maps, lists, strings, numbers and booleans. */
        fun write(value: Any?): String = GSON.toJson(value)
    }
}
